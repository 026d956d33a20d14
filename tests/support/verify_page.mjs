// What docs/verify.html says of a certificate, and that it says no to every changed byte:
//   node verify_page.mjs CERTIFICATE KEY [SUBJECT]
import { readFileSync } from "node:fs";

const [certificate, key, subject] = process.argv.slice(2);
const page = readFileSync(new URL("../../docs/verify.html", import.meta.url), "utf8");
const script = page.split('<script id="verifier">')[1].split("</script>")[0];
const { verifyFile } = await import("data:text/javascript," + encodeURIComponent(script + "\nexport { verifyFile };"));
const bytes = new Uint8Array(readFileSync(certificate));
const verdict = await verifyFile(bytes, key, subject);
// What others signed beside the log is for whoever knows their keys: the page passes it over.
const text = new TextDecoder().decode(bytes);
const log = key.split("+")[0];
const others = [...text.matchAll(/— ([^ "\\]+) [A-Za-z0-9+/=]+/g)].filter((line) => line[1] !== log).map((line) => {
  const begin = Buffer.byteLength(text.slice(0, line.index));
  return [begin, begin + Buffer.byteLength(line[0])];
});
const ofOthers = (place) => others.some(([begin, end]) => begin <= place && place < end);
let refused = 0;
if (!verdict.pdf) {
  // A prime step meets every kind of place in the file.
  for (let place = 0; place < bytes.length; place += 13) {
    if (ofOthers(place)) continue;
    const changed = bytes.slice();
    changed[place] ^= 1 << place % 8;
    const held = await verifyFile(changed, key, subject).then(() => true, () => false);
    if (held) throw new Error(`byte ${place} was changed, and the page did not notice`);
    refused += 1;
  }
}
const { entries, order, person, told, kind, pdf } = verdict;
console.log(JSON.stringify({ entries, order, person, told, kind, pdf, refused, others: verdict.checkpoint.others }));
