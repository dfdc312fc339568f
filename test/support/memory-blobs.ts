import { invariant } from '../../src/base/assert.ts'
import { BlobMissing, BlobShort, type Blobs, type BlobsAddress } from '../../src/blobs/blobs.ts'
import { type Digest, digestOf } from '../../src/domain/digest.ts'

/** Called before anything happens: throws to have the call fail. */
export type Fault = (call: {
  name: 'put' | 'read' | 'delete' | 'size'
  key: string
  folder: string
}) => void

/** Where a test keeps the blobs of an address. */
export function folderOf(address: BlobsAddress): string {
  invariant(address.kind === 'disk', 'the places of a test have folders for names')
  return address.folder
}

/**
 * Blobs of any number of places in memory. Holds every caller to the contract: a key never gets other bytes, not even after
 * it was deleted. Bytes may be damaged behind its back.
 */
export function openMemoryPlaces(fault: Fault = () => undefined) {
  const places = new Map<string, Map<string, Uint8Array>>()
  const everPut = new Map<string, Digest>()

  const placeAt = (folder: string): Map<string, Uint8Array> => {
    const place = places.get(folder) ?? new Map<string, Uint8Array>()
    places.set(folder, place)
    return place
  }

  function openBlobs(address: BlobsAddress): Blobs {
    const folder = folderOf(address)
    const blobs = placeAt(folder)
    return {
      async put(key, bytes, signal) {
        signal.throwIfAborted()
        fault({ name: 'put', key, folder })
        const name = `${folder}/${key}`
        const digest = digestOf(bytes)
        invariant((everPut.get(name) ?? digest) === digest, `the key ${name} is used once`)
        everPut.set(name, digest)
        blobs.set(key, Uint8Array.from(bytes))
      },
      async read(key, { offsetBytes, lengthBytes }, signal) {
        signal.throwIfAborted()
        fault({ name: 'read', key, folder })
        const blob = blobs.get(key)
        if (blob === undefined) throw new BlobMissing(`there is no blob ${key}`)
        const bytes = blob.slice(offsetBytes, offsetBytes + lengthBytes)
        if (bytes.length < lengthBytes) throw new BlobShort(`${key} was cut`)
        return bytes
      },
      async size(key) {
        fault({ name: 'size', key, folder })
        return blobs.get(key)?.length
      },
      async delete(key) {
        fault({ name: 'delete', key, folder })
        blobs.delete(key)
      },
      async *list(prefix) {
        for (const key of [...blobs.keys()]) if (key.startsWith(prefix)) yield key
      },
    }
  }

  return { openBlobs, placeAt }
}
