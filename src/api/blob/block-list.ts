import { limits } from '../../domain/limits.ts'
import { BlobError } from '../storage/blob-error.ts'
import { takeRoom } from '../storage/body-stream.ts'
import { checkMd5 } from '../storage/checksum.ts'
import { readParts } from '../storage/page-body.ts'
import type { AskedBlob } from './asked.ts'
import { bodyBytes } from './intake.ts'

export type ListedId = {
  /** base64, as Put Block had it. */
  readonly block: string
  readonly from: 'Committed' | 'Uncommitted' | 'Latest'
}

const entry = /\s*<(Committed|Uncommitted|Latest)>\s*([A-Za-z\d+/=]{1,100})\s*<\/\1>/y

/** The body of a Put Block List. It knows its three elements and nothing else of XML. Throws InvalidXmlDocument, InvalidBlockList. */
export async function readBlockList(asked: AskedBlob): Promise<readonly ListedId[]> {
  const { raw } = asked
  const hold = await takeRoom(asked, bodyBytes(asked, limits.blockListBytesMax))
  try {
    const bytes = await readParts(raw, limits.blockListBytesMax)
    checkMd5(raw.headers.get('content-md5'), bytes)
    return parseBlockList(bytes.toString('utf8'))
  } finally {
    hold()
  }
}

export function parseBlockList(text: string): readonly ListedId[] {
  const open = /^\ufeff?\s*(?:<\?xml[^<>]{0,200}\?>)?\s*<BlockList\s*(\/?)>/.exec(text)
  if (!open) throw invalid()
  if (open[1] === '/') return endsAt(text, open[0].length) ? [] : refuse()
  const listed: ListedId[] = []
  let at = open[0].length
  for (;;) {
    entry.lastIndex = at
    const [whole, from, block] = entry.exec(text) ?? []
    if (whole === undefined || from === undefined || block === undefined) break
    // The pattern names the three.
    listed.push({ block, from: from as ListedId['from'] })
    at += whole.length
    if (listed.length > limits.blobBlocksMax) {
      throw new BlobError(
        'InvalidBlockList',
        `The specified block list is invalid: a blob has at most ${limits.blobBlocksMax} blocks.`,
      )
    }
  }
  const close = /^\s*<\/BlockList>/.exec(text.slice(at, at + 1000))
  return close && endsAt(text, at + close[0].length) ? listed : refuse()
}

function endsAt(text: string, at: number): boolean {
  return text.slice(at).trim() === ''
}

function refuse(): never {
  throw invalid()
}

function invalid(): BlobError {
  return new BlobError(
    'InvalidXmlDocument',
    'The body is not a list of blocks: <BlockList> with <Latest>, <Committed> or <Uncommitted> elements, each a block id.',
  )
}
