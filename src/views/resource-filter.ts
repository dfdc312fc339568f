import { ArmError } from '../domain/errors.ts'
import { sameRegion } from '../domain/regions.ts'
import { parseResourceId, sameType } from '../domain/resource-id.ts'
import type { ResourceRow } from '../domain/rows.ts'
import type { Tags } from '../domain/tags.ts'

/** What a `$filter` asks for. */
export type ResourceFilter = {
  matches(row: ResourceRow): boolean
  /** What every match has: where a list need look for nothing else. */
  readonly type?: string | undefined
  readonly group?: string | undefined
  readonly tag?: { readonly name: string; readonly value: string | undefined } | undefined
}

/** Nested parentheses, and characters of the text: more than any client sends. */
const depthMax = 20
const charsMax = 4_000

/** Azure's filter of resource lists. Throws InvalidParameter for one that is not understood. */
export function readResourceFilter(text: string | undefined): ResourceFilter {
  if (text === undefined || text.trim() === '') return { matches: () => true }
  const read = text.length > charsMax ? undefined : parse(text)
  if (!read) {
    const message = `The $filter '${text.slice(0, 200)}' is not understood. Use resourceType, resourceGroup, name, location (eq, ne), tagName eq '…' and tagValue eq '…', substringof('…', name), startswith(name, '…'), joined by and, or, with parentheses.`
    throw new ArmError('InvalidParameter', message, '$filter')
  }
  const every = read.is === 'and' ? read.terms : [read]
  const of = (field: Field) =>
    every.find((term) => term.is === 'compare' && term.field === field && term.how === 'eq')
  const type = of('resourcetype')
  const group = of('resourcegroup')
  const tag = every.find((term) => term.is === 'tag')
  return {
    matches: (row) => holds(read, row),
    type: type?.is === 'compare' ? type.value : undefined,
    group: group?.is === 'compare' ? group.value : undefined,
    tag:
      tag?.is === 'tag' && tag.name !== undefined
        ? { name: tag.name, value: tag.value }
        : undefined,
  }
}

const fields = ['resourcetype', 'resourcegroup', 'name', 'location'] as const
type Field = (typeof fields)[number]

type Term =
  | { readonly is: 'and' | 'or'; readonly terms: readonly Term[] }
  | { readonly is: 'not'; readonly term: Term }
  | {
      readonly is: 'compare'
      readonly field: Field
      readonly how: 'eq' | 'ne' | 'has' | 'starts'
      readonly value: string
    }
  /** A tag of this name, of this value, or both in one. */
  | { readonly is: 'tag'; readonly name: string | undefined; readonly value: string | undefined }

const token = /\s*(?:'((?:[^']|'')*)'|([(),])|([A-Za-z]+))/y

function tokensOf(text: string): readonly string[] | undefined {
  const tokens: string[] = []
  token.lastIndex = 0
  const end = text.trimEnd().length
  while (token.lastIndex < end) {
    const [found, quoted, sign, word] = token.exec(text) ?? []
    if (found === undefined) return undefined
    tokens.push(quoted === undefined ? (sign ?? word ?? '').toLowerCase() : `'${quoted}`)
  }
  return tokens
}

function parse(text: string): Term | undefined {
  const tokens = tokensOf(text) ?? []
  let at = 0
  const next = () => tokens[at++]
  const takes = (wanted: string) => tokens[at] === wanted && at++ >= 0
  const quoted = (part: string | undefined) =>
    part?.startsWith("'") ? part.slice(1).replaceAll("''", "'") : undefined

  function joined(word: 'or' | 'and', depth: number): Term | undefined {
    const terms: Term[] = []
    do {
      const term = word === 'or' ? joined('and', depth) : one(depth)
      if (!term) return undefined
      terms.push(term)
    } while (takes(word))
    const all = word === 'and' ? withTagsTogether(terms) : terms
    return all.length === 1 ? all[0] : { is: word, terms: all }
  }

  function one(depth: number): Term | undefined {
    if (depth > depthMax) return undefined
    if (takes('not')) {
      const term = one(depth + 1)
      return term && { is: 'not', term }
    }
    if (takes('(')) {
      const term = joined('or', depth + 1)
      return takes(')') ? term : undefined
    }
    const word = next()
    return word === 'substringof' || word === 'startswith' ? called(word) : compared(word)
  }

  function called(name: 'substringof' | 'startswith'): Term | undefined {
    const [open, first, comma, second, close] = [next(), next(), next(), next(), next()]
    const [field, value] =
      name === 'substringof' ? [fieldOf(second), quoted(first)] : [fieldOf(first), quoted(second)]
    if (`${open}${comma}${close}` !== '(,)' || !field || value === undefined) return undefined
    return { is: 'compare', field, how: name === 'substringof' ? 'has' : 'starts', value }
  }

  function compared(word: string | undefined): Term | undefined {
    const how = next()
    const value = quoted(next())
    if (value === undefined || (how !== 'eq' && how !== 'ne')) return undefined
    const field = fieldOf(word)
    if (field) return { is: 'compare', field, how, value }
    const isName = word === 'tagname'
    if (!isName && word !== 'tagvalue') return undefined
    const tag: Term = {
      is: 'tag',
      name: isName ? value : undefined,
      value: isName ? undefined : value,
    }
    return how === 'eq' ? tag : { is: 'not', term: tag }
  }

  const term = joined('or', 0)
  return at === tokens.length ? term : undefined
}

function fieldOf(word: string | undefined): Field | undefined {
  return fields.find((field) => field === word)
}

/** `tagName eq 'a' and tagValue eq 'b'` means one tag. */
function withTagsTogether(terms: readonly Term[]): readonly Term[] {
  const name = terms.find((term) => term.is === 'tag' && term.name !== undefined)
  const value = terms.find((term) => term.is === 'tag' && term.name === undefined)
  if (name?.is !== 'tag' || value?.is !== 'tag') return terms
  const others = terms.filter((term) => term !== name && term !== value)
  return [...others, { is: 'tag', name: name.name, value: value.value }]
}

function holds(term: Term, row: ResourceRow): boolean {
  switch (term.is) {
    case 'and':
      return term.terms.every((each) => holds(each, row))
    case 'or':
      return term.terms.some((each) => holds(each, row))
    case 'not':
      return !holds(term.term, row)
    case 'compare':
      return compares(term, row)
    case 'tag':
      return Object.entries((row.doc.tags ?? {}) as Tags).some(
        ([name, value]) =>
          (term.name ?? name).toLowerCase() === name.toLowerCase() &&
          (term.value ?? value) === value,
      )
  }
}

function compares(
  { field, how, value }: Extract<Term, { readonly is: 'compare' }>,
  row: ResourceRow,
): boolean {
  const held = textOf(field, row)
  if (how === 'has') return held.toLowerCase().includes(value.toLowerCase())
  if (how === 'starts') return held.toLowerCase().startsWith(value.toLowerCase())
  const same = field === 'location' ? sameRegion : sameType
  return same(held, value) === (how === 'eq')
}

function textOf(field: Field, row: ResourceRow): string {
  switch (field) {
    case 'resourcetype':
      return row.type
    case 'resourcegroup':
      return parseResourceId(row.id)?.resourceGroup ?? ''
    case 'name':
      return wholeName(row)
    case 'location':
      return row.region ?? ''
  }
}

/** `gallery/definition/version`: the names of a resource and of those above it, as ARM's lists tell them. */
export function wholeName({ id, name }: Pick<ResourceRow, 'id' | 'name'>): string {
  return parseResourceId(id)?.names.join('/') ?? name
}
