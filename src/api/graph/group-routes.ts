import { z } from 'zod'
import { notThere } from '../../access/directory-ports.ts'
import {
  addMember,
  changeGroup,
  createGroup,
  deleteGroup,
  GroupBody,
  GroupChange,
  groupNamed,
  removeMember,
} from '../../access/groups.ts'
import { audit, type GraphAnswer, type GraphAsked, type Route, readBody } from './asked.ts'
import { groupBody } from './graph-bodies.ts'
import { readListQuery } from './graph-query.ts'
import { answerList, objectAnswer, pageAnswer } from './list-answer.ts'
import { objectsOf } from './objects.ts'
import { sees } from './sight.ts'

/** Every group here is a security group; clients must say so. */
const ignored = ['mailNickname', 'mailEnabled', 'securityEnabled']

const Reference = z.object({ '@odata.id': z.string().max(2_048) })

export const groupRoutes: readonly Route[] = [
  { method: 'GET', path: 'groups', run: (asked) => answerList(asked, 'groups') },
  { method: 'POST', path: 'groups', run: create },
  { method: 'GET', path: 'groups/*', run: show },
  { method: 'PATCH', path: 'groups/*', run: change },
  { method: 'DELETE', path: 'groups/*', run: remove },
  { method: 'GET', path: 'groups/*/members', run: listMembers },
  { method: 'POST', path: 'groups/*/members/$ref', run: add },
  { method: 'DELETE', path: 'groups/*/members/*/$ref', run: takeOut },
]

async function show(asked: GraphAsked): Promise<GraphAnswer> {
  const [id = ''] = asked.ids
  if (!sees(asked.sight, id)) throw notThere(id)
  return objectAnswer(asked, 'groups', { body: groupBody(await groupNamed(asked.ports, id)) })
}

async function create(asked: GraphAsked): Promise<GraphAnswer> {
  const body = await readBody(asked, GroupBody, ignored)
  const group = await createGroup(asked.ports, asked.caller, body)
  audit(asked, 'group-created', { id: group.id, displayName: group.displayName })
  return objectAnswer(asked, 'groups', { body: groupBody(group), status: 201 })
}

async function change(asked: GraphAsked): Promise<GraphAnswer> {
  const [id = ''] = asked.ids
  const body = await readBody(asked, GroupChange, ignored)
  const group = await changeGroup(asked.ports, asked.caller, { id, body })
  audit(asked, 'group-changed', { id: group.id, members: Object.keys(body) })
  return { status: 204 }
}

async function remove(asked: GraphAsked): Promise<GraphAnswer> {
  const [id = ''] = asked.ids
  const group = await deleteGroup(asked.ports, asked.caller, id)
  audit(asked, 'group-deleted', { id: group.id, displayName: group.displayName })
  return { status: 204 }
}

async function listMembers(asked: GraphAsked): Promise<GraphAnswer> {
  const { ports, sight, search } = asked
  const [id = ''] = asked.ids
  if (!sees(sight, id)) throw notThere(id)
  const group = await groupNamed(ports, id)
  const { after, top } = readListQuery('groups', search)
  const rows = await ports.members.of(group.id, after, top + 1)
  const ids = rows.slice(0, top).map((member) => member.id)
  const value = await objectsOf(ports, { ids, sight })
  const next = rows.length > top ? ids.at(-1) : undefined
  return pageAnswer(asked, `groups/${group.id}/members`, { value, next })
}

async function add(asked: GraphAsked): Promise<GraphAnswer> {
  const [groupId = ''] = asked.ids
  const { '@odata.id': reference } = await readBody(asked, Reference)
  const memberId = reference.split('/').at(-1) ?? ''
  await addMember(asked.ports, asked.caller, { groupId, memberId })
  audit(asked, 'member-added', { groupId, memberId })
  return { status: 204 }
}

async function takeOut(asked: GraphAsked): Promise<GraphAnswer> {
  const [groupId = '', memberId = ''] = asked.ids
  await removeMember(asked.ports, asked.caller, { groupId, memberId })
  audit(asked, 'member-removed', { groupId, memberId })
  return { status: 204 }
}
