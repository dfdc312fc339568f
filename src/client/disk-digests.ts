import { z } from 'zod'
import type { ByteRange } from '../domain/byte-range.ts'
import { type Digest, isDigest } from '../domain/digest.ts'
import { clientLimits } from './client-limits.ts'
import { notABlob, openBlobSender } from './page-blob.ts'
import { parseJson } from './tokens.ts'

/** What the disk behind a SAS is made of, and how another one is told to be made of the same. docs/wire.md has the form. */
export type DiskDigests = {
  /** Of its 16 MiB, by number, ascending; those of zeros are left out. For a disk that has content. */
  leaves(signal: AbortSignal): Promise<{
    readonly virtualSizeBytes: number
    readonly leaves: ReadonlyMap<number, Digest>
  }>
  /** The nodes of up to 64 of them, from number `from` on, one behind the other. */
  nodes(from: number, count: number, signal: AbortSignal): Promise<Buffer>
  /** Bytes of the disk behind the read SAS `source` are bytes of this upload. At most 1,000 runs. */
  putRuns(source: string, runs: readonly RunToPut[], signal: AbortSignal): Promise<void>
}

type RunToPut = ByteRange & { readonly fromBytes: number }

const LeafDigests = z.object({
  virtualSizeBytes: z.int().min(0),
  leaves: z.array(z.tuple([z.int().min(0), z.custom<Digest>((text) => isDigest(String(text)))])),
  next: z.int().exactOptional(),
})

/** Every method throws ClientError, or the signal's reason. */
export function openDiskDigests(parts: Parameters<typeof openBlobSender>[0]): DiskDigests {
  const send = openBlobSender(parts)

  const leavesOf: DiskDigests['leaves'] = async (signal) => {
    const leaves = new Map<number, Digest>()
    let from = 0
    for (let page = 0; page < clientLimits.pageListsMax; page++) {
      const answer = await send({ method: 'GET', query: `comp=digests&from=${from}`, signal })
      const { data } = LeafDigests.safeParse(parseJson(answer.body))
      if (!data) throw notABlob('gives no digests')
      for (const [leaf, digest] of data.leaves) leaves.set(leaf, digest)
      const { virtualSizeBytes, next } = data
      if (next === undefined) return { virtualSizeBytes, leaves }
      from = next
    }
    throw notABlob('has a list of digests that does not end')
  }

  const nodes: DiskDigests['nodes'] = async (from, count, signal) => {
    const query = `comp=nodes&from=${from}&count=${count}`
    return (await send({ method: 'GET', query, signal })).body
  }

  const putRuns: DiskDigests['putRuns'] = async (source, runs, signal) => {
    const headers = { 'x-ms-copy-source': source, 'content-type': 'application/json' }
    const told = runs.map(({ offsetBytes, lengthBytes, fromBytes }) => {
      return { offset: offsetBytes, length: lengthBytes, from: fromBytes }
    })
    const body = JSON.stringify({ runs: told })
    await send({ method: 'PUT', query: 'comp=chunks', headers, body, signal })
  }

  return { leaves: leavesOf, nodes, putRuns }
}
