import { ArmError } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import type { ResourceLock } from '../../domain/locks.ts'
import { keyOf, parseResourceId } from '../../domain/resource-id.ts'
import {
  type LockTarget,
  listLocks,
  readLock,
  removeLock,
  writeLock,
} from '../../providers/locks.ts'
import type { Address } from './address.ts'
import { type Answer, type ArmRequest, listAnswer, notAllowed } from './answer.ts'

/** Of `Microsoft.Authorization/locks`. */
export const lockApiVersions = ['2015-01-01', '2016-09-01', '2017-04-01', '2020-05-01'] as const

/** `{scope}/providers/Microsoft.Authorization/locks[/{name}]`: locks of subscriptions, groups and resources. */
export async function answerLocks(
  request: ArmRequest,
  { scope: path, name }: Address & { readonly is: 'authorization' },
): Promise<Answer> {
  const scope = parseResourceId(path)
  if (!scope) {
    const message = `'${path}' is no scope that is locked: name a subscription, resource group or resource.`
    throw new ArmError('NotFound', message)
  }
  return name === undefined ? list(request, scope) : one(request, { scope, name })
}

async function one(request: ArmRequest, target: LockTarget): Promise<Answer> {
  const { method, providers, asked } = request
  switch (method) {
    case 'GET':
      return { status: 200, body: lockBody(await readLock(providers, asked, target)) }
    case 'PUT': {
      const { lock, created } = await writeLock(providers, asked, target, request.json)
      return { status: created ? 201 : 200, body: lockBody(lock) }
    }
    case 'DELETE':
      return { status: (await removeLock(providers, asked, target)) ? 200 : 204 }
    default:
      throw notAllowed(method)
  }
}

async function list(request: ArmRequest, scope: LockTarget['scope']): Promise<Answer> {
  const { method, providers, asked, query } = request
  if (method !== 'GET') throw notAllowed(method)
  const found = await listLocks(providers, asked, scope, {
    atScopeAlone: isAtScopeAlone(query.get('$filter')),
    after: cursorOf(query.get('$skiptoken')),
    rowsMax: limits.pageRows + 1,
  })
  const page = found.slice(0, limits.pageRows)
  const last = found.length > page.length ? page.at(-1) : undefined
  const texts = page.map((lock) => JSON.stringify(lockBody(lock)))
  return listAnswer(request, texts, last && `${keyOf(last.scope)} ${last.name}`)
}

function isAtScopeAlone(filter: string | undefined): boolean {
  const text = filter?.trim() ?? ''
  if (text === '') return false
  if (/^atScope\(\s*\)$/i.test(text)) return true
  const message = `The $filter '${filter}' is not understood. Use atScope().`
  throw new ArmError('InvalidParameter', message, '$filter')
}

function cursorOf(token: string | undefined) {
  if (token === undefined) return undefined
  const [, scopeKey, name] = /^(\/\S{1,2000}) (.{1,260})$/s.exec(token) ?? []
  if (scopeKey !== undefined && name !== undefined) return { scopeKey, name }
  throw new ArmError('InvalidParameter', 'The $skiptoken is not one of ours.', '$skiptoken')
}

function lockBody(lock: ResourceLock) {
  const { scope, name, level, notes, owners } = lock
  return {
    properties: {
      level,
      ...(notes !== undefined && { notes }),
      ...(owners.length > 0 && { owners: owners.map((applicationId) => ({ applicationId })) }),
    },
    id: `${scope}/providers/Microsoft.Authorization/locks/${name}`,
    type: 'Microsoft.Authorization/locks',
    name,
    systemData: {
      createdBy: lock.createdBy.name,
      createdByType: lock.createdBy.kind,
      createdAt: new Date(lock.createdMs).toISOString(),
      lastModifiedBy: lock.updatedBy.name,
      lastModifiedByType: lock.updatedBy.kind,
      lastModifiedAt: new Date(lock.updatedMs).toISOString(),
    },
  }
}
