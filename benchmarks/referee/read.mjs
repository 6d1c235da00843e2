// Prints one JSON line a file: what an independent, pure TypeScript reader of C2PA says about it.
import * as fs from 'node:fs/promises';
import { BMFF, JPEG } from '@trustnxt/c2pa-ts/asset';
import * as COSE from '@trustnxt/c2pa-ts/cose';
import { SuperBox } from '@trustnxt/c2pa-ts/jumbf';
import { ManifestStore } from '@trustnxt/c2pa-ts/manifest';

// It knows the brands of still pictures alone, and takes tokens of version 2 time stamps for answers of an authority.
for (const brand of ['isom', 'iso2', 'iso5', 'iso6', 'mp41', 'mp42']) BMFF.canReadBrands.add(brand);
COSE.Signature.readTimestamps = function* () {};

for (const file of process.argv.slice(2)) {
  const data = await fs.readFile(file);
  const asset = JPEG.canRead(data) ? new JPEG(data) : new BMFF(data);
  const store = await asset.getManifestJUMBF();
  if (!store) {
    console.log(JSON.stringify({ file, present: false, valid: false, failures: [] }));
    continue;
  }
  const result = await ManifestStore.read(SuperBox.fromBuffer(store)).validate(asset);
  const failures = result.statusEntries.filter((each) => !each.success).map((each) => each.code);
  console.log(JSON.stringify({ file, present: true, valid: result.isValid, failures }));
}
