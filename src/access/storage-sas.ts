import { isSignedText } from './shared-key.ts'

/** What a SAS is asked for. */
export type SasUse = {
  /** The parameters of the URL, decoded. */
  readonly query: URLSearchParams
  readonly account: string
  readonly container: string | undefined
  readonly blob: string | undefined
  readonly now: Date
  /** Of the client, as its connection says it. */
  readonly address: string | undefined
  readonly isHttps: boolean
  /** base64; of one whose keys are regenerated no SAS is left. */
  readonly keys: readonly string[]
}

/** What a SAS gives, or why it gives nothing: a code of Blob Storage, and a sentence that holds no secret. */
export type SasVerdict =
  | {
      readonly is: 'granted'
      /** Letters: `r`, `w`, … */
      readonly permissions: string
      /** What it is signed for; an account SAS reaches the `types` of resources it names (`s`, `c`, `o`). */
      readonly over: 'account' | 'container' | 'blob'
      readonly types: string
    }
  | { readonly is: 'refused'; readonly code: SasRefusal; readonly detail: string }

export type SasRefusal =
  | 'AuthenticationFailed'
  | 'AuthorizationProtocolMismatch'
  | 'AuthorizationServiceMismatch'
  | 'AuthorizationSourceIPMismatch'

/** The oldest that Azure's clients of today still sign. */
const oldestVersion = '2015-04-05'

/** Judges a SAS signed with a key of the account. Its signature comes first: who has none learns nothing else. */
export function judgeSas(use: SasUse): SasVerdict {
  const { query, keys } = use
  const version = query.get('sv') ?? ''
  if (!/^\d{4}-\d{2}-\d{2}$/.test(version) || version < oldestVersion) {
    return failed(`sv must be a version of Blob Storage, ${oldestVersion} or later`)
  }
  if (query.has('skoid'))
    return failed('user delegation SAS are not taken here; sign with an account key')
  const isAccount = query.has('ss')
  const text = isAccount ? accountText(use, version) : serviceText(use, version)
  if (typeof text !== 'string') return text
  const signature = query.get('sig') ?? ''
  if (!isSignedText(text, { signature, keys })) {
    return failed(
      'the signature fits neither key of the account: the URL was changed, made for another path, or its key was regenerated',
    )
  }
  if (query.has('si')) return failed('si: stored access policies are not kept here')
  const late = outOfTime(query, use.now)
  if (late) return failed(late)
  return elsewhere(use) ?? granted(query, isAccount)
}

function granted(query: URLSearchParams, isAccount: boolean): SasVerdict {
  const permissions = query.get('sp') ?? ''
  if (isAccount) {
    return { is: 'granted', permissions, over: 'account', types: query.get('srt') ?? '' }
  }
  const over = query.get('sr') === 'c' ? 'container' : 'blob'
  return { is: 'granted', permissions, over, types: '' }
}

/** Signed for a place, a service or a protocol that this request is not from. */
function elsewhere({ query, address, isHttps }: SasUse): SasVerdict | undefined {
  const protocol = query.get('spr')
  if (protocol !== null && protocol !== 'https,http' && !isHttps) {
    return refused('AuthorizationProtocolMismatch', 'the SAS is for https alone')
  }
  const services = query.get('ss')
  if (services !== null && !services.includes('b')) {
    return refused('AuthorizationServiceMismatch', 'the SAS is not for blobs (ss)')
  }
  const range = query.get('sip')
  if (range === null || isInRange(address, range)) return undefined
  return refused('AuthorizationSourceIPMismatch', 'the SAS is for other addresses (sip)')
}

function outOfTime(query: URLSearchParams, now: Date): string | undefined {
  const start = query.get('st')
  const end = query.get('se')
  const startMs = start === null ? 0 : timeOf(start)
  const endMs = end === null ? undefined : timeOf(end)
  if (startMs === undefined || endMs === undefined) {
    return 'st and se must be times such as 2026-11-21T08:00:00Z, and se must be there'
  }
  // Clocks of two machines may differ.
  if (now.getTime() < startMs - skewMs) return `the SAS is not valid before ${start}`
  return now.getTime() >= endMs ? `the SAS has expired at ${end}` : undefined
}

const skewMs = 60_000

function timeOf(text: string): number | undefined {
  const form = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?Z)?$/
  const atMs = form.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? undefined : atMs
}

function serviceText({ query, ...use }: SasUse, version: string): string | SasVerdict {
  const { account, container, blob } = use
  const resource = query.get('sr')
  if (resource !== 'b' && resource !== 'c') {
    return failed(
      `sr=${(resource ?? '').slice(0, 8)}: a SAS here is for a blob (b) or a container (c)`,
    )
  }
  const path = resource === 'c' ? container : blob && `${container}/${blob}`
  if (path === undefined) return failed('the SAS is for something inside the account')
  const of = (name: string) => query.get(name) ?? ''
  const shown = ['rscc', 'rscd', 'rsce', 'rscl', 'rsct'].map(of)
  const later = version >= '2018-11-09' ? [resource, of('snapshot')] : []
  const scope = version >= '2020-12-06' ? [of('ses')] : []
  const said = ['si', 'sip', 'spr'].map(of)
  const first = [...['sp', 'st', 'se'].map(of), `/blob/${account}/${path}`]
  return [...first, ...said, version, ...later, ...scope, ...shown].join('\n')
}

function accountText({ query, account }: SasUse, version: string): string {
  const of = (name: string) => query.get(name) ?? ''
  const said = ['sp', 'ss', 'srt', 'st', 'se', 'sip', 'spr'].map(of)
  const scope = version >= '2020-12-06' ? [of('ses')] : []
  return [account, ...said, version, ...scope, ''].join('\n')
}

/** One IPv4 address, or two with a hyphen between. */
function isInRange(address: string | undefined, range: string): boolean {
  const [from = '', to = from] = range.split('-')
  const own = numberOf((address ?? '').replace(/^::ffff:/i, ''))
  const low = numberOf(from)
  const high = numberOf(to)
  if (own === undefined || low === undefined || high === undefined) return false
  return low <= own && own <= high
}

function numberOf(address: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) return undefined
  const parts = address.split('.').map(Number)
  return parts.some((part) => part > 255)
    ? undefined
    : parts.reduce((sum, part) => sum * 256 + part, 0)
}

function failed(detail: string): SasVerdict {
  return refused('AuthenticationFailed', detail)
}

function refused(code: SasRefusal, detail: string): SasVerdict {
  return { is: 'refused', code, detail }
}
