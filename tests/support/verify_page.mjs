// What docs/verify.html says of a certificate, and that it says no to every changed byte:
//   node verify_page.mjs CERTIFICATE KEY [SUBJECT]
import { readFileSync } from "node:fs";

const [certificate, key, subject] = process.argv.slice(2);
const page = readFileSync(new URL("../../docs/verify.html", import.meta.url), "utf8");
const script = page.split('<script id="verifier">')[1].split("</script>")[0];
const { verifyFile } = await import("data:text/javascript," + encodeURIComponent(script + "\nexport { verifyFile };"));
const bytes = new Uint8Array(readFileSync(certificate));
const verdict = await verifyFile(bytes, key, subject);
let refused = 0;
if (!verdict.pdf) {
  // A prime step meets every kind of place in the file.
  for (let place = 0; place < bytes.length; place += 13) {
    const changed = bytes.slice();
    changed[place] ^= 1 << place % 8;
    const held = await verifyFile(changed, key, subject).then(() => true, () => false);
    if (held) throw new Error(`byte ${place} was changed, and the page did not notice`);
    refused += 1;
  }
}
const { entries, person, told, kind, pdf } = verdict;
console.log(JSON.stringify({ entries, person, told, kind, pdf, refused }));
