"""Humancheck's adapter for LangChain as it is published, asking one review and saying what it takes the answer for.

The wheel lacks a part that everything else of it imports, so the adapter's file is loaded by itself: what it imports of its
own package are words that it never uses.
"""

import asyncio
import importlib.util
import json
import sys
import types
from pathlib import Path

place = Path(importlib.util.find_spec("humancheck").submodule_search_locations[0]) / "core" / "adapters" / "langchain.py"


def stub(name, **words):
    module = types.ModuleType(name)
    module.__path__ = []
    module.__dict__.update(words)
    sys.modules[name] = module


word = type("Word", (), {})
for package in ("oubli_stub", "oubli_stub.core", "oubli_stub.core.adapters"):
    stub(package)
stub("oubli_stub.core.models", DecisionType=word, ReviewStatus=word, UrgencyLevel=word)
stub("oubli_stub.core.adapters.base", ReviewAdapter=word, UniversalReview=word)
spec = importlib.util.spec_from_file_location("oubli_stub.core.adapters.langchain", place)
adapter = importlib.util.module_from_spec(spec)
spec.loader.exec_module(adapter)

url, key, tool, arguments = sys.argv[1:]
asks = adapter.HumancheckLangchainAdapter(api_url=url, api_key=key, tools_requiring_approval={tool: True})
interrupt = types.SimpleNamespace(
    value={
        "action_requests": [{"name": tool, "arguments": json.loads(arguments), "description": "a test"}],
        "review_configs": [{"action_name": tool, "allowed_decisions": ["approve", "edit", "reject"]}],
    }
)
[decision] = asyncio.run(asks.handle_interrupt([interrupt], {}))
print("DECISION " + json.dumps(decision))
