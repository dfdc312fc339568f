import { limits } from '../../domain/limits.ts'
import type { ListedBlock, StagedBlock, StoredBlob } from '../../domain/stored-blobs.ts'
import { BlobError } from '../storage/blob-error.ts'
import type { AskedBlob } from './asked.ts'
import { type ListedId, readBlockList } from './block-list.ts'
import {
  blobNotFound,
  changeBlob,
  containerNotFound,
  mayChange,
  mustBe,
  replaceBlob,
} from './change-blob.ts'
import { newFacts, writtenHeaders } from './facts.ts'
import { bodyBytes, sumHeaders, type TakenIn, takeIn } from './intake.ts'
import { created, tooSlow } from './put-blob.ts'
import { xmlAnswer } from './xml.ts'

const blockIdBytesMax = 64

/** Put Block: kept until a list names it, or a week. */
export async function putBlock(asked: AskedBlob): Promise<Response> {
  blockIdOf(asked)
  const sizeBytes = bodyBytes(asked)
  if (sizeBytes === 0) throw new BlobError('InvalidHeaderValue', 'A block has at least one byte.')
  await mayChange(asked)
  const taken = await takeIn(asked, sizeBytes)
  await stageTaken(asked, taken)
  return created(sumHeaders(taken))
}

function blockIdOf({ url }: AskedBlob): string {
  const block = url.searchParams.get('blockid') ?? ''
  const idBytes = Buffer.from(block, 'base64')
  const isId = idBytes.length > 0 && idBytes.length <= blockIdBytesMax
  if (isId && idBytes.toString('base64') === block) return block
  throw new BlobError(
    'InvalidBlockId',
    `The block id must be base64 of 1 to ${blockIdBytesMax} bytes.`,
  )
}

/** What was taken in waits as the block that the request names. */
export async function stageTaken(
  asked: AskedBlob,
  { upload, sizeBytes, pages }: Pick<TakenIn, 'upload' | 'sizeBytes' | 'pages'>,
): Promise<void> {
  const block = blockIdOf(asked)
  const name = asked.place.blob
  await changeBlob(asked, async ({ rows, container, before, nowMs }) => {
    if (before) mustBe(before, 'BlockBlob')
    if (!(await rows.blobs.adopt(upload))) throw tooSlow()
    checkIdLength(block, await rows.blobs.stagedBlocks(container.id, name, 1))
    const { space, id } = container
    const added = { container: id, name, block, upload, sizeBytes, space }
    const row = { ...added, stagedMs: nowMs, dropDueMs: nowMs + asked.holdMs }
    switch (await rows.blobs.stage(row, pages, limits.stagedBlocksMax)) {
      case 'staged':
        return true
      case 'raced':
        return undefined
      case 'full':
        throw new BlobError(
          'BlockCountExceedsLimit',
          `At most ${limits.stagedBlocksMax} blocks wait for one blob. Commit them with Put Block List.`,
        )
    }
  })
}

/** Azure wants all ids of a blob to have one length. */
function checkIdLength(block: string, [first]: readonly StagedBlock[]): void {
  if (!first || first.block.length === block.length) return
  throw new BlobError(
    'InvalidBlobOrBlock',
    'The block id is not as long as those of the other blocks that wait for this blob.',
  )
}

/** Put Block List: the blocks it names become the blob, in its order; all others that waited go. */
export async function putBlockList(asked: AskedBlob): Promise<Response> {
  const { raw, world } = asked
  const listed = await readBlockList(asked)
  const facts = newFacts(raw.headers)
  const blob = await changeBlob(asked, async (changing) => {
    const { rows, container, before } = changing
    if (before) mustBe(before, 'BlockBlob')
    const staged = await rows.blobs.lockStaged(container.id, asked.place.blob)
    const committed = before ? await rows.blobs.committedBlocks(before.upload) : []
    const blocks = chosen(listed, staged, committed)
    const sizeBytes = blocks.reduce((sum, each) => sum + each.sizeBytes, 0)
    const upload = world.id()
    await rows.blobs.assemble(upload, blocks, before?.upload)
    return await replaceBlob(asked, changing, { type: 'BlockBlob', upload, sizeBytes, facts })
  })
  const answer = { ...writtenHeaders(blob), 'x-ms-request-server-encrypted': 'false' }
  return created(answer)
}

type Committed = { readonly block: string; readonly sizeBytes: number }

function chosen(
  listed: readonly ListedId[],
  staged: readonly StagedBlock[],
  committed: readonly Committed[],
): readonly ListedBlock[] {
  const waiting = new Map(staged.map((each) => [each.block, each]))
  const there = new Map<string, ListedBlock>()
  let committedAtBytes = 0
  for (const { block, sizeBytes } of committed) {
    there.set(block, { block, sizeBytes, committedAtBytes })
    committedAtBytes += sizeBytes
  }
  return listed.map(({ block, from }) => {
    const fresh = from === 'Committed' ? undefined : waiting.get(block)
    if (fresh) return { block, sizeBytes: fresh.sizeBytes, staged: fresh.upload }
    const old = from === 'Uncommitted' ? undefined : there.get(block)
    if (old) return old
    throw new BlobError(
      'InvalidBlockList',
      'The specified block list is invalid: it names a block that is not there.',
    )
  })
}

/** Get Block List. */
export async function getBlockList(asked: AskedBlob): Promise<Response> {
  const { store, account, place, url } = asked
  const rows = store.read.blobs
  const container = await rows.container(account.key, place.container)
  if (!container) throw containerNotFound()
  const blob = await rows.get(container.id, place.blob)
  if (blob) mustBe(blob, 'BlockBlob')
  const staged = await rows.stagedBlocks(container.id, place.blob, limits.stagedBlocksMax)
  if (!blob && staged.length === 0) throw blobNotFound()
  const type = (url.searchParams.get('blocklisttype') ?? 'committed').toLowerCase()
  const committed = blob && type !== 'uncommitted' ? await rows.committedBlocks(blob.upload) : []
  const parts = [
    ...(type === 'uncommitted' ? [] : [blocksXml('CommittedBlocks', committed)]),
    ...(type === 'committed' ? [] : [blocksXml('UncommittedBlocks', staged)]),
  ]
  return xmlAnswer(`<BlockList>${parts.join('')}</BlockList>`, listHeaders(blob))
}

function listHeaders(blob: StoredBlob | undefined): Record<string, string> {
  if (!blob) return {}
  return { ...writtenHeaders(blob), 'x-ms-blob-content-length': String(blob.sizeBytes) }
}

function blocksXml(name: string, blocks: readonly Committed[]): string {
  const each = blocks.map(
    ({ block, sizeBytes }) => `<Block><Name>${block}</Name><Size>${sizeBytes}</Size></Block>`,
  )
  return `<${name}>${each.join('')}</${name}>`
}
