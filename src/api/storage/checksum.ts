import { createHash } from 'node:crypto'
import { BlobError } from './blob-error.ts'

/** Throws Md5Mismatch unless `header` (base64) is left out or that of the bytes. */
export function checkMd5(header: string | null, bytes: Uint8Array): void {
  if (header === null) return
  if (createHash('md5').update(bytes).digest('base64') === header) return
  throw new BlobError(
    'Md5Mismatch',
    'The MD5 value specified in the request did not match with the MD5 value calculated by the server.',
  )
}
