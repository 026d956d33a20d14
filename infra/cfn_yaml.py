"""Reads CloudFormation YAML into plain data, short forms (!Ref, !Sub, ...) written out."""

import yaml


class _Loader(yaml.SafeLoader):
    pass


def _long_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, _Loader)


def functions(template):
    """The binary of each of a template's functions, by the logical name without `Function`."""
    return {
        name.removesuffix("Function"): resource["Metadata"]["BuildProperties"]["Binary"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
