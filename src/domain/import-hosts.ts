import { isIP } from 'node:net'

/** One entry of the setting `imports.hosts`: from where files may be fetched. */
export type ImportHost =
  /** `files.example.com`, or `*.example.com` for all names below it: over https, at its own port. */
  | { readonly is: 'host'; readonly host: string }
  | { readonly is: 'below'; readonly suffix: string }
  /** `https://files.lan:8443`, `http://127.0.0.1:10000`: this origin alone, wherever its address lies. */
  | { readonly is: 'origin'; readonly origin: string }

/** Undefined for what is no entry. */
export function parseImportHost(text: string): ImportHost | undefined {
  if (/^https?:\/\//i.test(text)) {
    const url = URL.parse(text)
    const isBare = url && isPlain(url) && url.pathname === '/' && url.search === ''
    return isBare ? { is: 'origin', origin: originOf(url) } : undefined
  }
  const below = text.startsWith('*.')
  const host = below ? text.slice(2) : text
  const isName = /^(?=.{1,253}$)[a-z\d_]([\w-]*[a-z\d_])?(\.[a-z\d_]([\w-]*[a-z\d_])?)*$/i.test(
    host,
  )
  if (!isName || (below && isIP(host) > 0)) return undefined
  const name = host.toLowerCase()
  return below ? { is: 'below', suffix: `.${name}` } : { is: 'host', host: name }
}

/** Of a list of hosts, and so of what it allows: files are fetched, events are sent. */
export type HostSetting = 'imports.hosts' | 'events.hosts'

export type AdmittedUrl = {
  readonly url: URL
  /** The operator named this very origin: then its address may be a private one. */
  readonly isNamed: boolean
}

/** The URL when it may be asked, else why not and how to change that. Nothing is resolved. */
export function admitUrl(
  hosts: readonly ImportHost[],
  text: string | URL,
  setting: HostSetting,
): AdmittedUrl | { readonly refused: string } {
  const url = text instanceof URL ? text : URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) {
    return { refused: 'It is no URL of the form https://host/path.' }
  }
  const { hostname, protocol, port } = url
  if (!isPlain(url)) {
    return { refused: 'It has a user name or a fragment. Use a signed URL without them.' }
  }
  const origin = originOf(url)
  if (hosts.some((entry) => entry.is === 'origin' && entry.origin === origin)) {
    return { url, isNamed: true }
  }
  const named = hosts.some((entry) => isOfEntry(entry, withoutDot(hostname)))
  if (!named) {
    return {
      refused: `This server ${doesNothing[setting]} '${hostname}'. Its operator allows it with the setting ${setting}.`,
    }
  }
  if (protocol === 'https:' && port === '') return { url, isNamed: false }
  return {
    refused: `Of '${hostname}' only https at port 443 is allowed, unless the setting ${setting} names '${origin}'.`,
  }
}

/** How it is said that a host is not asked. */
export const doesNothing = {
  'imports.hosts': 'fetches nothing from',
  'events.hosts': 'sends nothing to',
} as const satisfies Record<HostSetting, string>

/** How a URL is told to people: its query may be a secret. */
export function withoutQuery(text: string): string {
  return text.replace(/[?#].*$/s, '')
}

function isOfEntry(entry: ImportHost, host: string): boolean {
  if (entry.is === 'host') return entry.host === host
  return entry.is === 'below' && host.endsWith(entry.suffix) && host.length > entry.suffix.length
}

function isPlain({ username, password, hash }: URL): boolean {
  return username === '' && password === '' && hash === ''
}

function originOf({ protocol, hostname, port }: URL): string {
  return `${protocol}//${withoutDot(hostname)}${port === '' ? '' : `:${port}`}`
}

/** `example.com.` is the same host. */
function withoutDot(hostname: string): string {
  return hostname.replace(/\.$/, '')
}
