import { isAccountName, isContainerName } from '../../resources/storage-account.ts'
import { BlobError } from '../storage/blob-error.ts'

/** What a path names: `/{account}[/{container}[/{blob}]]`. */
export type Place = {
  readonly account: string
  readonly container: string | undefined
  readonly blob: string | undefined
}

const blobCharsMax = 1024
const segmentsMax = 254

/** The account that a request's target begins with; undefined for a path that is none of an account's. */
export function accountIn(target: string): string | undefined {
  const [, name = ''] = /^\/([^/?]*)/.exec(target) ?? []
  return isAccountName(name) ? name : undefined
}

/** Throws InvalidUri, InvalidResourceName. `path` is as sent: encoded, without a query. */
export function placeOf(path: string): Place {
  const [, account = '', container = '', blob = ''] =
    /^\/([^/]*)(?:\/([^/]*)(?:\/(.*))?)?$/s.exec(path) ?? []
  if (container === '') return { account, container: undefined, blob: undefined }
  if (!isContainerName(container)) {
    throw new BlobError(
      'InvalidResourceName',
      `'${container.slice(0, 80)}' cannot be the name of a container: 3 to 63 lower-case letters, digits and single hyphens between them.`,
    )
  }
  return { account, container, blob: blob === '' ? undefined : blobName(blob) }
}

function blobName(encoded: string): string {
  let name: string
  try {
    name = decodeURIComponent(encoded)
  } catch {
    throw new BlobError('InvalidUri', 'The name of the blob is not well encoded.')
  }
  const isTold = isXmlText(name) && name.isWellFormed()
  const isShort = name.length <= blobCharsMax && name.split('/').length <= segmentsMax
  if (isTold && isShort) return name
  throw new BlobError(
    'InvalidResourceName',
    `The name of a blob has at most ${blobCharsMax} characters and ${segmentsMax} path segments, all of which XML can tell.`,
  )
}

/** What a list could not tell is never kept. */
export function isXmlText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 cannot say.
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\u{10fffe}\u{10ffff}]/u.test(text)
}
