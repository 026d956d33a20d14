"""The pages of an unpacked export, read by Python's HTML parser: `pages.py FOLDER`. Prints how many pages, records and
pictures they show."""

import pathlib
import sys
import urllib.parse
from html.parser import HTMLParser

EMPTY = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    def __init__(self, path, root):
        super().__init__()
        self.path, self.root = path, root
        self.open, self.tags, self.links, self.meta, self.ids = [], [], [], {}, set()
        self.rows, self.columns, self.cells, self.headings = 0, 0, 0, []

    def wrong(self, what):
        sys.exit(f"{self.path}, line {self.getpos()[0]}: {what}")

    def handle_starttag(self, tag, pairs):
        attributes = dict(pairs)
        self.tags.append((tag, attributes))
        if tag in {"script", "iframe", "object", "embed", "form", "base", "link", "svg"}:
            self.wrong(f"it has <{tag}>")
        for name, value in pairs:
            if name.startswith("on") or (name == "style"):
                self.wrong(f"it has {name}=")
            if name in {"href", "src"}:
                self.links.append(value)
        if "id" in attributes:
            self.ids.add(attributes["id"])
        if tag == "meta":
            self.meta[attributes.get("name") or attributes.get("http-equiv") or "charset"] = attributes.get("content")
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(int(tag[1]))
        if tag == "table":
            self.columns = 0
        if tag == "th":
            if attributes.get("scope") not in {"col", "row"}:
                self.wrong("a heading of a table has no scope")
            if attributes["scope"] == "col":
                self.columns += 1
            else:
                self.rows, self.cells = self.rows + 1, 1
        if tag == "td":
            self.cells += 1
        if tag == "img" and ("alt" not in attributes or attributes.get("loading") != "lazy"):
            self.wrong("a picture without alt, or not lazy")
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in EMPTY:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong(f"</{tag}> ends what did not begin")
        if tag == "tr" and "tbody" in self.open and self.cells != self.columns:
            self.wrong(f"a row of {self.cells} cells under {self.columns} headings")

    def judge(self):
        if self.open:
            self.wrong(f"it ends within {self.open}")
        first = self.tags[0]
        if first[0] != "html" or not first[1].get("lang"):
            self.wrong("it has no language")
        names = [tag for tag, _ in self.tags]
        if names.count("h1") != 1 or names.count("title") != 1 or names.count("main") != 1:
            self.wrong("not one h1, title and main")
        if names.count("table") != names.count("caption"):
            self.wrong("a table without a caption")
        for before, after in zip(self.headings, self.headings[1:]):
            if after > before + 1:
                self.wrong(f"h{before} is followed by h{after}")
        policy = self.meta.get("Content-Security-Policy", "")
        if "default-src 'none'" not in policy or "script-src" in policy or "viewport" not in self.meta:
            self.wrong(f"policy {policy!r}, viewport {self.meta.get('viewport')!r}")
        for link in self.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc or link.startswith("/"):
                self.wrong(f"it leads out: {link}")
            if not parts.path:
                if parts.fragment not in self.ids:
                    self.wrong(f"it leads nowhere: {link}")
                continue
            target = (self.path.parent / urllib.parse.unquote(parts.path)).resolve()
            if not target.is_file() or self.root.resolve() not in target.parents:
                self.wrong(f"it leads to what is no file of the export: {link}")


def main(folder):
    root = pathlib.Path(folder)
    pages = [root / "index.html", *sorted(root.glob("pages/*/*.html"))]
    rows = pictures = 0
    led_to = set()
    for path in pages:
        page = Page(path, root)
        text = path.read_text()
        if not text.startswith("<!DOCTYPE html>"):
            sys.exit(f"{path} is no HTML")
        page.feed(text)
        page.close()
        page.judge()
        led_to |= {(path.parent / urllib.parse.unquote(link)).resolve() for link in page.links if not link.startswith("#")}
        if path.name != "index.html":
            rows += page.rows
            pictures += sum(tag == "img" for tag, _ in page.tags)
    for path in pages[1:]:
        if path.resolve() not in led_to:
            sys.exit(f"nothing leads to {path}")
    print(len(pages), rows, pictures)


if __name__ == "__main__":
    main(sys.argv[1])
