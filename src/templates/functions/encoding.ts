import type { JsonObject } from '../../domain/rows.ts'
import { isObject, member } from '../json.ts'
import {
  type Call,
  type FunctionGroup,
  integerAt,
  made,
  objectAt,
  refused,
  stringAt,
} from './function.ts'
import { parsed } from './object.ts'

export const encodingFunctions: FunctionGroup = {
  base64: made(1, 1, (args, call) => Buffer.from(stringAt(args, 0, call)).toString('base64')),
  base64ToString: made(1, 1, (args, call) => fromBase64(stringAt(args, 0, call), call)),
  base64ToJson: made(1, 1, (args, call) => parsed(fromBase64(stringAt(args, 0, call), call), call)),
  dataUri: made(1, 1, ([value = null], call) => {
    const isTree = isObject(value) || Array.isArray(value)
    const text = isTree ? JSON.stringify(value) : String(value ?? '')
    const isText = typeof value === 'string' || value === null
    const type = isText ? 'text/plain' : 'application/json'
    call.context.template.meter.spend(text.length)
    return `data:${type};charset=utf8;base64,${Buffer.from(text).toString('base64')}`
  }),
  dataUriToString: made(1, 1, (args, call) => {
    const text = stringAt(args, 0, call)
    const comma = text.indexOf(',')
    if (!text.toLowerCase().startsWith('data:') || comma < 0)
      throw refused(call.name, 'its argument is not a data URI.')
    const data = text.slice(comma + 1)
    const isBase64 = text.slice(0, comma).toLowerCase().endsWith(';base64')
    return isBase64 ? fromBase64(data, call) : fromUri(data, call)
  }),
  uri: made(2, 2, (args, call) => {
    const [base, relative] = [stringAt(args, 0, call), stringAt(args, 1, call)]
    if (!URL.canParse(base) || !URL.canParse(relative, base))
      throw refused(
        call.name,
        `'${base}' is not an absolute URI to which a relative one can be added.`,
      )
    return new URL(relative, base).href
  }),
  /** `port` is null where it is the one of the scheme. */
  parseUri: made(1, 1, (args, call) => {
    const text = stringAt(args, 0, call)
    if (!URL.canParse(text)) throw refused(call.name, `'${text}' is not an absolute URI.`)
    const { protocol, hostname, port, pathname, search } = new URL(text)
    const scheme = protocol.slice(0, -1)
    return {
      ...{ scheme, host: hostname, port: port === '' ? null : Number(port) },
      ...{ path: pathname, query: search },
    }
  }),
  buildUri: made(1, 1, (args, call) => uriOf(objectAt(args, 0, call), call)),
  uriComponent: made(1, 1, (args, call) =>
    encodeURIComponent(stringAt(args, 0, call).toWellFormed()).replaceAll(
      /[!'()*]/g,
      (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
    ),
  ),
  uriComponentToString: made(1, 1, (args, call) =>
    fromUri(stringAt(args, 0, call).replaceAll('+', ' '), call),
  ),
}

function uriOf(parts: JsonObject, call: Call): string {
  const part = (name: string) => stringAt([member(parts, name) ?? null], 0, call)
  const port = member(parts, 'port') ?? null
  const authority = `${part('host')}${port === null ? '' : `:${integerAt([port], 0, call)}`}`
  const behind = `${begun('/', part('path'))}${begun('?', part('query'))}`
  const text = `${part('scheme')}://${authority}${behind}`
  if (part('host') !== '' && URL.canParse(text)) return text
  throw refused(call.name, `'${text}' is not an absolute URI: it needs a scheme and a host.`)
}

function begun(mark: string, text: string): string {
  return text === '' || text.startsWith(mark) ? text : `${mark}${text}`
}

function fromBase64(text: string, { name }: Call): string {
  const packed = text.replaceAll(/\s/g, '')
  if (packed.length % 4 !== 0 || !/^[A-Za-z\d+/]*={0,2}$/.test(packed))
    throw refused(name, 'its argument is not base64.')
  return Buffer.from(packed, 'base64').toString()
}

function fromUri(text: string, { name }: Call): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refused(name, 'its argument is not a URI component.')
  }
}
