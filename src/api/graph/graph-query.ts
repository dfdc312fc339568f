import { ArmError } from '../../domain/errors.ts'
import type { PrincipalQuery, Wanted } from '../../domain/principals.ts'

/** Graph's own bounds. */
const topMax = 999
const topUsual = 100
const termsMax = 10

/** What may be asked of each collection, and which member of the rows it is. */
const members = {
  users: {
    id: 'id',
    displayName: 'displayName',
    userPrincipalName: 'principalName',
    mail: 'mail',
  },
  groups: { id: 'id', displayName: 'displayName' },
  servicePrincipals: {
    id: 'id',
    appId: 'clientId',
    displayName: 'displayName',
    servicePrincipalNames: 'clientId',
  },
  applications: { id: 'clientId', appId: 'clientId', displayName: 'displayName' },
  invitations: {},
} as const satisfies Record<Collection, Readonly<Record<string, Wanted['member']>>>

export type Listed = 'users' | 'groups' | 'servicePrincipals' | 'applications'
export type Collection = Listed | 'invitations'

const unserved = ['$search', '$orderby', '$expand', '$skip', '$apply']

/** `top`: how many rows a page has; the query asks for one more, which says whether there is a next one. */
export type ListQuery = PrincipalQuery & { readonly top: number }

/** Throws InvalidParameter for what is not served. */
export function readListQuery(collection: Collection, search: URLSearchParams): ListQuery {
  for (const name of unserved) {
    if (search.has(name)) throw unsupported(`The query option '${name}' is not available here.`)
  }
  const top = readTop(search.get('$top'))
  return {
    wanted: readFilter(collection, search.get('$filter') ?? ''),
    after: search.get('$skiptoken') ?? undefined,
    top,
    rowsMax: top + 1,
  }
}

function readTop(text: string | null): number {
  if (text === null) return topUsual
  const top = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (top >= 1 && top <= topMax) return top
  throw unsupported(`Invalid page size specified: '${text}'. Must be between 1 and ${topMax}.`)
}

const quoted = "'((?:[^']|'')*)'"
const forms = [
  { is: 'equal', form: new RegExp(`^(\\w+)\\s+eq\\s+${quoted}$`, 'i') },
  { is: 'begins', form: new RegExp(`^startswith\\(\\s*(\\w+)\\s*,\\s*${quoted}\\s*\\)$`, 'i') },
  {
    is: 'equal',
    form: new RegExp(`^(\\w+)/any\\(\\s*\\w+\\s*:\\s*\\w+\\s+eq\\s+${quoted}\\s*\\)$`, 'i'),
  },
] as const

/** Terms `member eq 'text'`, `startswith(member,'text')` and `member/any(x:x eq 'text')`, joined by `and`. */
function readFilter(collection: Collection, filter: string): readonly Wanted[] {
  const terms = termsOf(filter)
  if (terms.length > termsMax) throw unsupported(`A $filter has at most ${termsMax} terms.`)
  return terms.flatMap((term) => {
    const found = forms
      .map(({ is, form }) => ({ is, match: form.exec(term) }))
      .find(({ match }) => match !== null)
    const [, name = '', text = ''] = found?.match ?? []
    // Groups have no mail here: a nickname, which az sends with a name, tells nothing apart.
    if (collection === 'groups' && name === 'mailNickname') return []
    // Applications have no such names here, so nobody has this one.
    if (collection === 'applications' && name === 'identifierUris') {
      return [{ member: 'mail', is: 'equal', text: '' }] as const
    }
    const member = memberOf(collection, name)
    if (found && member) {
      return [{ member, is: found.is, text: text.replaceAll("''", "'").toLowerCase() }]
    }
    const served = Object.keys(members[collection]).join(', ')
    throw unsupported(
      `Unsupported or invalid query filter clause '${term}'. Use eq or startswith on ${served}, joined by and.`,
    )
  })
}

/** Split at `and` outside of quotes. */
function termsOf(filter: string): readonly string[] {
  const pieces = filter.match(/'(?:[^']|'')*'|\s+and\s+|[^\s']+|\s+|'/gi) ?? []
  const terms = ['']
  for (const piece of pieces) {
    if (/^\s+and\s+$/i.test(piece)) terms.push('')
    else terms.push(`${terms.pop() ?? ''}${piece}`)
  }
  return terms.map((term) => term.trim()).filter((term) => term !== '')
}

function memberOf(collection: Collection, name: string): Wanted['member'] | undefined {
  return Object.entries(members[collection]).find(([one]) => one === name)?.[1]
}

/** The members that `$select` names, `id` always; all when it is not given. */
export function selected(
  body: Readonly<Record<string, unknown>>,
  select: string | null,
): Readonly<Record<string, unknown>> {
  if (select === null || select.trim() === '') return body
  const names = new Set(['id', '@odata.type', ...select.split(',').map((name) => name.trim())])
  return Object.fromEntries(Object.entries(body).filter(([name]) => names.has(name)))
}

export function unsupported(message: string): ArmError {
  return new ArmError('InvalidParameter', message)
}
