import type { Hono } from 'hono'
import { openAccountKeys } from '../../src/access/account-keys.ts'
import { openSas } from '../../src/access/sas.ts'
import { blobApp } from '../../src/api/blob/blob-app.ts'
import { invariant } from '../../src/base/assert.ts'
import type { Caller } from '../../src/domain/access.ts'
import type { BlobRows } from '../../src/domain/stored-blobs.ts'
import { stagedReader } from '../../src/regions/staging.ts'
import { dropUploads } from '../../src/work/drop-uploads.ts'
import type { Engine } from './engine.ts'
import { untold } from './untold.ts'

const origin = 'https://vitrine.test'
const forever = new AbortController().signal

export type Block = { readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }

/** The blob endpoint of an engine, for a caller who may do everything; no socket is needed. */
export function openBlobDoor(engine: Engine, account: string) {
  const caller: Caller = {
    principalId: 'owner',
    tenantId: 'tenant',
    name: 'owner',
    kind: 'Application',
    may: () => true,
    visible: () => 'all',
    heldAt: () => [],
    mayGive: () => true,
    mayLink: () => true,
    reaches: () => true,
    holdsIn: () => true,
  }
  const { store, plane, world } = engine
  const app: Hono = blobApp({
    ...{ store, plane, world, refusals: untold },
    accountKey: openAccountKeys(new Uint8Array(32)),
    sas: openSas(new Uint8Array(32)),
    authenticate: async (): Promise<Caller> => caller,
    urls: [origin],
    challengeIn: () => 'Bearer',
    holdMs: 0,
  })

  async function ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body: Uint8Array<ArrayBuffer> = new Uint8Array(0),
  ) {
    const sent = { authorization: 'Bearer x', 'content-length': String(body.length), ...headers }
    const init = { method, headers: sent, ...(method === 'PUT' && { body }) }
    const answer = await app.request(new Request(`${origin}/${account}${path}`, init))
    return { status: answer.status, code: answer.headers.get('x-ms-error-code') }
  }

  const blockId = (id: number) => Buffer.from(String(id).padStart(4, '0')).toString('base64')

  return {
    ask,
    makeContainer: () => ask('PUT', '/box?restype=container'),
    put: (name: string, bytes: Uint8Array<ArrayBuffer>) =>
      ask('PUT', `/box/${name}`, { 'x-ms-blob-type': 'BlockBlob' }, bytes),
    putPageBlob: (name: string, sizeBytes: number) => {
      const size = { 'x-ms-blob-content-length': String(sizeBytes) }
      return ask('PUT', `/box/${name}`, { 'x-ms-blob-type': 'PageBlob', ...size })
    },
    putPage: (name: string, at: number, bytes: Uint8Array<ArrayBuffer>) => {
      const range = `bytes=${at}-${at + bytes.length - 1}`
      const headers = { 'x-ms-page-write': 'update', 'x-ms-range': range }
      return ask('PUT', `/box/${name}?comp=page`, headers, bytes)
    },
    clear: (name: string, at: number, lengthBytes: number) => {
      const range = `bytes=${at}-${at + lengthBytes - 1}`
      const headers = { 'x-ms-page-write': 'clear', 'x-ms-range': range }
      return ask('PUT', `/box/${name}?comp=page`, headers)
    },
    resize: (name: string, sizeBytes: number) =>
      ask('PUT', `/box/${name}?comp=properties`, { 'x-ms-blob-content-length': String(sizeBytes) }),
    putBlock: (name: string, { id, bytes }: Block) =>
      ask('PUT', `/box/${name}?comp=block&blockid=${encodeURIComponent(blockId(id))}`, {}, bytes),
    putList: (name: string, ids: readonly number[]) => {
      const listed = ids.map((id) => `<Latest>${blockId(id)}</Latest>`).join('')
      const body = Buffer.from(`<?xml version="1.0"?><BlockList>${listed}</BlockList>`)
      return ask('PUT', `/box/${name}?comp=blocklist`, {}, Uint8Array.from(body))
    },
    remove: (name: string) => ask('DELETE', `/box/${name}`),
    removeContainer: () => ask('DELETE', '/box?restype=container'),
  }
}

/** What a blob holds, as any reader of its upload sees it; undefined when there is none. */
export async function blobBytes(
  { rows, plane }: Pick<Engine, 'rows' | 'plane'>,
  blob: Parameters<BlobRows['find']>[0],
): Promise<Buffer | undefined> {
  const found = await rows.read.blobs.find(blob)
  if (!found) return undefined
  const { sizeBytes } = found
  const bytes = await stagedReader(plane, found).read(
    { offsetBytes: 0, lengthBytes: sizeBytes },
    forever,
  )
  return Buffer.from(bytes)
}

/** Drops everything that is due now, as the duty of the region does. */
export async function dropAll(engine: Engine): Promise<void> {
  const work = dropUploads({ ...engine.ports, store: engine.rows, sweepHoldMs: 0 })
  const row = { id: '1', subject: 'westeurope' } as Parameters<
    NonNullable<(typeof work.steps)[string]>
  >[0]['row']
  const { drop } = work.steps
  invariant(drop, 'the duty has one step')
  for (;;) {
    const running = { row, state: {}, signal: forever, write: engine.rows.write }
    const outcome = await drop(running)
    if (outcome.is !== 'wait' || outcome.forMs > 0) return
  }
}
