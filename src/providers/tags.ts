import { z } from 'zod'
import { mustBeAllowed } from '../domain/access.ts'
import { auditorOf, tellAs } from '../domain/audit.ts'
import { ArmError } from '../domain/errors.ts'
import { mustBeUnlocked } from '../domain/locks.ts'
import { type ResourceId, sameType, subscriptionType } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Tags } from '../domain/tags.ts'
import { word } from '../resources/coerce.ts'
import { parseBody, tagProblems } from '../resources/parse.ts'
import { findSubscription, resourceNotFound } from './front-door.ts'
import { type Asked, type Providers, refuse, type Target } from './ports.ts'
import type { Preconditions } from './preconditions.ts'
import { writeResource } from './write.ts'

/** Who may write these may do so without being allowed to write what they are on. */
const action = 'Microsoft.Resources/tags'

/** Tags of a resource of any type, of a group or, without a type, of a subscription. */
export type Tagged = { readonly id: ResourceId; readonly type: Target['type'] | undefined }

/** Throws AuthorizationFailed, and NotFound in the words of what is not there. */
export async function readTags(
  providers: Providers,
  { caller }: Asked,
  { id, type }: Tagged,
): Promise<Tags> {
  mustBeAllowed(caller, `${action}/read`, id.text)
  findSubscription(providers, id.subscription)
  const rows = providers.store.read
  if (!type) return rows.tags.ofSubscription(id.subscription)
  const row = await rows.resources.get(id.key)
  if (!row || !sameType(row.type, type.type)) throw resourceNotFound(id)
  return tagsOf(row.doc)
}

type Change = {
  readonly verb: 'write' | 'delete'
  readonly preconditions: Preconditions
  /** Called once, after the caller was found allowed; what it answers may be called for each plan. */
  read(): Promise<(tags: Tags) => Tags>
}

/** Changes the tags, and nothing else of what has them; answers those it has then. Throws ArmError. */
export async function changeTags(
  providers: Providers,
  asked: Asked,
  { id, type }: Tagged,
  { verb, preconditions, read }: Change,
): Promise<Tags> {
  if (!type) return changeSubscription(providers, asked, id, { verb, preconditions, read })
  // The newest has words for all that is stored.
  const atNewest = { ...asked, apiVersion: type.apiVersions.at(-1) ?? '' }
  const written = await writeResource(
    providers,
    atNewest,
    { id, type },
    {
      action: `${action}/${verb}`,
      preconditions,
      read: async () => {
        const change = await read()
        return { mode: 'edit', body: (doc) => ({ ...doc, tags: change(tagsOf(doc)) }) }
      },
    },
  )
  return tagsOf(written.row.doc)
}

async function changeSubscription(
  providers: Providers,
  { caller, correlationId }: Asked,
  { subscription, text }: ResourceId,
  { verb, read }: Change,
): Promise<Tags> {
  mustBeAllowed(caller, `${action}/${verb}`, text)
  findSubscription(providers, subscription)
  const change = await read()
  const tell = tellAs(auditorOf(caller, correlationId), providers.world)
  return await providers.store.write(async (rows) => {
    await mustBeUnlocked(rows.locks, 'write', text)
    const tags = change(await rows.tags.lockOfSubscription(subscription))
    const problems = tagProblems(tags)
    if (problems.length > 0) refuse(problems)
    await rows.tags.putOfSubscription(subscription, tags)
    await rows.audit.add([tell({ action: `${action}/${verb}`, scope: text, about: { tags } })])
    return tags
  })
}

function tagsOf({ tags }: JsonObject): Tags {
  // The document was parsed by its type's schema.
  return (tags ?? {}) as Tags
}

const Body = z.object({
  operation: word(['Merge', 'Replace', 'Delete']).optional(),
  properties: z.object({ tags: z.record(z.string(), z.string().nullable()).optional() }),
})

/** What a body asks for: a PUT replaces, a PATCH does as its operation says. Throws InvalidParameter, InvalidRequestContent. */
export function askedChange(body: unknown, method: 'PUT' | 'PATCH'): (tags: Tags) => Tags {
  const parsed = parseBody(Body, body)
  if ('problems' in parsed) refuse(parsed.problems)
  const { operation, properties } = Body.parse(parsed.body)
  const sent = Object.entries(properties.tags ?? {}).map(([name, value]) => [name, value ?? ''])
  if (method === 'PUT') return () => Object.fromEntries(sent)
  if (operation === undefined) {
    const message = 'Say which operation the tags are for: Merge, Replace or Delete.'
    throw new ArmError('InvalidParameter', message, 'operation')
  }
  if (operation === 'Replace') return () => Object.fromEntries(sent)
  const isSent = ([name, value]: readonly string[], wanted: readonly string[]) =>
    wanted[0]?.toLowerCase() === name?.toLowerCase() &&
    (operation === 'Merge' || wanted[1] === '' || wanted[1] === value)
  const without = (tags: Tags) =>
    Object.entries(tags).filter((held) => !sent.some((wanted) => isSent(held, wanted)))
  return (tags) =>
    Object.fromEntries(operation === 'Merge' ? [...without(tags), ...sent] : without(tags))
}

export function isSubscription({ type }: ResourceId): boolean {
  return sameType(type, subscriptionType)
}
