// What docs/open-export.html makes of an export, and that it says no to what was changed:
//   node open_page.mjs FILE KEY OUT
import { readFileSync, writeFileSync } from "node:fs";

const [file, key, out] = process.argv.slice(2);
const page = readFileSync(new URL("../../docs/open-export.html", import.meta.url), "utf8");
const script = page.split('<script id="opener">')[1].split("</script>")[0];
const { opened, keyOf } = await import("data:text/javascript," + encodeURIComponent(script + "\nexport { opened, keyOf };"));

async function* pieces(bytes, size) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function open(bytes, size, secret = keyOf(key)) {
  const parts = [];
  for await (const plain of opened(pieces(bytes, size), secret)) parts.push(plain);
  return Buffer.concat(parts);
}

const message = new Uint8Array(readFileSync(file));
const plain = await open(message, 65_536);
writeFileSync(out, plain);
if (!plain.equals(await open(message, 1_021))) throw new Error("how it comes in makes a difference");

async function refused(what, bytes, secret) {
  const held = await open(bytes, 65_536, secret).then(() => true, () => false);
  if (held) throw new Error(`the page did not notice ${what}`);
}

for (const place of [1, 5, 40, 90, 200, 297, 310, message.length >> 1, message.length - 40, message.length - 1]) {
  const changed = message.slice();
  changed[place] ^= 1;
  await refused(`a change at ${place}`, changed);
}
for (const length of [0, 2, 100, message.length >> 1, message.length - 1]) await refused("a truncation", message.subarray(0, length));
await refused("an addition", Buffer.concat([message, new Uint8Array(1)]));
await refused("another key", message, new Uint8Array(32));
console.log(JSON.stringify({ bytes: plain.length }));
