import { z } from 'zod'
import { notThere } from '../../access/directory-ports.ts'
import { userNamed } from '../../access/users.ts'
import { type GraphAnswer, type GraphAsked, type Route, readBody } from './asked.ts'
import { readListQuery, selected } from './graph-query.ts'
import { pageAnswer } from './list-answer.ts'
import { objectsOf } from './objects.ts'
import { sees } from './sight.ts'

/** Graph's own bounds. */
const Ids = z.object({ ids: z.array(z.string().max(64)).max(1_000) })
const GroupIds = z.object({ groupIds: z.array(z.string().max(64)).min(1).max(20) })
const Nothing = z.object({})

const kinds = ['users', 'groups', 'servicePrincipals', 'directoryObjects'] as const

/** Which groups somebody is in, asked in Graph's several ways; and objects of any kind by their ids. */
export const memberRoutes: readonly Route[] = [
  { method: 'GET', path: 'me/memberOf', run: (asked) => listAbove(asked, 'directly') },
  { method: 'GET', path: 'me/transitiveMemberOf', run: (asked) => listAbove(asked, 'throughAll') },
  ...kinds.flatMap((kind): Route[] => [
    { method: 'GET', path: `${kind}/*/memberOf`, run: (asked) => listAbove(asked, 'directly') },
    {
      method: 'GET',
      path: `${kind}/*/transitiveMemberOf`,
      run: (asked) => listAbove(asked, 'throughAll'),
    },
    { method: 'POST', path: `${kind}/*/getMemberGroups`, run: answerGroups },
    { method: 'POST', path: `${kind}/*/checkMemberGroups`, run: answerCheck },
  ]),
  { method: 'POST', path: 'directoryObjects/getByIds', run: answerByIds },
  { method: 'GET', path: 'directoryObjects/*', run: answerObject },
]

async function listAbove(asked: GraphAsked, how: 'directly' | 'throughAll'): Promise<GraphAnswer> {
  const { ports, search, sight } = asked
  const id = await subjectOf(asked)
  const { after = '', top } = readListQuery('groups', search)
  const rest = (await ports.members.above(id, how)).filter((one) => one > after)
  const ids = rest.slice(0, top)
  const next = rest.length > top ? ids.at(-1) : undefined
  const path = `directoryObjects/${id}/${how === 'directly' ? 'memberOf' : 'transitiveMemberOf'}`
  return pageAnswer(asked, path, { value: await objectsOf(ports, { ids, sight }), next })
}

async function answerGroups(asked: GraphAsked): Promise<GraphAnswer> {
  await readBody(asked, Nothing, ['securityEnabledOnly'])
  const value = await asked.ports.members.above(await subjectOf(asked), 'throughAll')
  return { status: 200, body: { value } }
}

async function answerCheck(asked: GraphAsked): Promise<GraphAnswer> {
  const { groupIds } = await readBody(asked, GroupIds)
  const above = new Set(await asked.ports.members.above(await subjectOf(asked), 'throughAll'))
  return { status: 200, body: { value: groupIds.filter((id) => above.has(id.toLowerCase())) } }
}

async function answerByIds(asked: GraphAsked): Promise<GraphAnswer> {
  const { ids } = await readBody(asked, Ids, ['types'])
  return { status: 200, body: { value: await objectsOf(asked.ports, { ids, sight: asked.sight }) } }
}

async function answerObject({ ports, sight, ids, search }: GraphAsked): Promise<GraphAnswer> {
  const [id = ''] = ids
  const [found] = await objectsOf(ports, { ids: [id], sight })
  if (!found) throw notThere(id)
  return { status: 200, body: selected(found, search.get('$select')) }
}

/** Of whom it is asked: an object id, a user's principal name, or the caller. Throws NotFound. */
async function subjectOf({ ports, caller, sight, ids }: GraphAsked): Promise<string> {
  const [name = caller.principalId] = ids
  const id = name.includes('@') ? (await userNamed(ports, name)).id : name.toLowerCase()
  const [known] = await ports.members.types([id])
  if (known && sees(sight, id)) return id
  throw notThere(name)
}
