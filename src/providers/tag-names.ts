import { mustBeAllowed } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import type { TagCount } from '../domain/tags.ts'
import { tagProblems } from '../resources/parse.ts'
import { findSubscription } from './front-door.ts'
import { type Asked, type Providers, refuse } from './ports.ts'

const action = 'Microsoft.Resources/subscriptions/tagNames'

/** A name of tags in a subscription, or a value of it. */
export type TagName = {
  readonly subscription: string
  readonly name: string
  readonly value: string | undefined
}

/** Names on one page: each is counted. */
const namesMax = 50

/** One page of the names that tags of the subscription have, with their values, counted; by name. */
export async function listTagNames(
  providers: Providers,
  { caller }: Asked,
  subscription: string,
  after: string | undefined,
): Promise<{ readonly names: readonly TagCount[]; readonly next: string | undefined }> {
  mustBeAllowed(caller, `${action}/read`, `/subscriptions/${subscription}`)
  const { id } = findSubscription(providers, subscription)
  const { tags } = providers.store.read
  const own = await tags.ofSubscription(id)
  const query = { subscription: id, more: Object.keys(own), after, rowsMax: namesMax }
  const { names, next } = await tags.names(query)
  const all = names.map((each) => withOwn(each, own))
  return { names: all.toSorted((one, other) => (one.name < other.name ? -1 : 1)), next }
}

/** The tag that the subscription has itself counts, too. */
function withOwn(counted: TagCount, own: Readonly<Record<string, string>>): TagCount {
  const found = Object.entries(own).find(
    ([name]) => name.toLowerCase() === counted.name.toLowerCase(),
  )
  if (!found) return counted
  const [, value] = found
  const others = counted.values.filter((each) => each.value !== value)
  const same = counted.values.find((each) => each.value === value)
  const values = [...others, { value, count: (same?.count ?? 0) + 1 }]
  return { ...counted, count: counted.count + 1, values }
}

/** Makes a name, or a value of it, ahead of its use. Throws ArmError. */
export async function makeTagName(
  providers: Providers,
  { caller }: Asked,
  { subscription, name, value }: TagName,
): Promise<{ readonly tag: TagCount; readonly created: boolean }> {
  mustBeAllowed(caller, actionOf('write', value), `/subscriptions/${subscription}`)
  const { id } = findSubscription(providers, subscription)
  const problems = tagProblems({ [name]: value ?? '' })
  if (problems.length > 0) refuse(problems)
  const { store } = providers
  const made = await store.write(async ({ tags }) => {
    if (value === undefined) return tags.predefine(id, name)
    if (!(await tags.name(id, name))) throw unknown(name)
    return tags.predefine(id, name, value)
  })
  if (made === 'full') {
    const message = 'No more tag names can be made in this subscription. Delete some first.'
    throw new ArmError('OperationNotAllowed', message)
  }
  const tag = (await store.read.tags.name(id, name)) ?? { name, count: 0, values: [] }
  return { tag, created: made }
}

/** Takes back what was made ahead; false when nobody had made it. Throws Conflict while something has it. */
export async function removeTagName(
  providers: Providers,
  { caller }: Asked,
  { subscription, name, value }: TagName,
): Promise<boolean> {
  mustBeAllowed(caller, actionOf('delete', value), `/subscriptions/${subscription}`)
  const { id } = findSubscription(providers, subscription)
  return await providers.store.write(async ({ tags }) => {
    const held = await tags.name(id, name)
    const used = value === undefined ? held : held?.values.find((each) => each.value === value)
    if (used && used.count > 0) {
      const what = value === undefined ? `tag name '${name}'` : `tag value '${value}' of '${name}'`
      const message = `The ${what} cannot be deleted: ${used.count} resources have it. Remove it from them first.`
      throw new ArmError('Conflict', message)
    }
    return tags.forget(id, name, value)
  })
}

function actionOf(verb: 'write' | 'delete', value: string | undefined): string {
  return value === undefined ? `${action}/${verb}` : `${action}/tagValues/${verb}`
}

function unknown(name: string): ArmError {
  return new ArmError('NotFound', `There is no tag name '${name}'. Make it first.`)
}
