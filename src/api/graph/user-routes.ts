import { notThere } from '../../access/directory-ports.ts'
import {
  changeUser,
  createUser,
  deleteUser,
  UserBody,
  UserChange,
  userNamed,
} from '../../access/users.ts'
import { ArmError } from '../../domain/errors.ts'
import { audit, type GraphAnswer, type GraphAsked, type Route, readBody } from './asked.ts'
import { userBody } from './graph-bodies.ts'
import { answerList, objectAnswer } from './list-answer.ts'
import { sees } from './sight.ts'

/** Clients must send one; it is told back as the first part of the principal name. */
const ignored = ['mailNickname']

export const userRoutes: readonly Route[] = [
  { method: 'GET', path: 'me', run: showMe },
  { method: 'GET', path: 'users', run: (asked) => answerList(asked, 'users') },
  { method: 'POST', path: 'users', run: create },
  { method: 'GET', path: 'users/*', run: show },
  { method: 'PATCH', path: 'users/*', run: change },
  { method: 'DELETE', path: 'users/*', run: remove },
]

async function showMe(asked: GraphAsked): Promise<GraphAnswer> {
  const { ports, caller } = asked
  if (caller.kind === 'Application') {
    const message = '/me request is only valid with delegated authentication flow.'
    throw new ArmError('BadRequest', message)
  }
  const body = userBody(await userNamed(ports, caller.principalId))
  return objectAnswer(asked, 'users', { body })
}

async function show(asked: GraphAsked): Promise<GraphAnswer> {
  const { ports, sight, ids } = asked
  const [id = ''] = ids
  const user = await userNamed(ports, id)
  if (!sees(sight, user.id)) throw notThere(id)
  return objectAnswer(asked, 'users', { body: userBody(user) })
}

async function create(asked: GraphAsked): Promise<GraphAnswer> {
  const body = await readBody(asked, UserBody, ignored)
  const user = await createUser(asked.ports, asked.caller, body)
  audit(asked, 'user-created', { id: user.id, principalName: user.principalName })
  return objectAnswer(asked, 'users', { body: userBody(user), status: 201 })
}

async function change(asked: GraphAsked): Promise<GraphAnswer> {
  const [id = ''] = asked.ids
  const body = await readBody(asked, UserChange, ignored)
  const user = await changeUser(asked.ports, asked.caller, { id, body })
  audit(asked, 'user-changed', { id: user.id, members: Object.keys(body) })
  return { status: 204 }
}

async function remove(asked: GraphAsked): Promise<GraphAnswer> {
  const [id = ''] = asked.ids
  const user = await deleteUser(asked.ports, asked.caller, id)
  audit(asked, 'user-deleted', { id: user.id, principalName: user.principalName })
  return { status: 204 }
}
