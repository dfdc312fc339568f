import { parseScope, type Scope } from '../../access/scope.ts'
import { mustBeAllowed } from '../../domain/access.ts'
import type { AuditCursor, AuditEntry } from '../../domain/audit.ts'
import { ArmError } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { type Answer, type ArmRequest, listAnswer } from './answer.ts'

const action = 'Vitrine.Gallery/audit/read'

/** What was granted, changed and denied at a scope and below it, newest first. */
export async function answerAudit(request: ArmRequest, path: string): Promise<Answer> {
  const { providers, asked, query, refusals } = request
  const scope = parseScope(path, asked.caller.tenantId)
  if (!scope) throw new ArmError('NotFound', `'${path}' is no scope.`)
  mustBeAllowed(asked.caller, action, scope.text)
  const after = cursorOf(query.get('$skiptoken'))
  if (!after) await refusals.flush()
  const found = await providers.store.read.audit.list({
    ...placesOf(request, scope),
    outcomes: ['allowed', 'denied'],
    ...timesOf(query.get('$filter')),
    after,
    rowsMax: limits.pageRows + 1,
  })
  const page = found.slice(0, limits.pageRows)
  const last = page.at(-1)
  const next = found.length > limits.pageRows && last ? `${last.atMs}_${last.id}` : undefined
  const texts = page.map((entry) => JSON.stringify(entryBody(entry, scope)))
  return listAnswer(request, texts, next)
}

/** Above subscriptions each tenant sees what its own did, and all of the subscriptions that are seen. */
function placesOf({ asked }: ArmRequest, { key, subscription }: Scope) {
  if (subscription !== '') return { within: [key], above: undefined }
  const { caller } = asked
  const seen = caller.visible(action)
  const within = seen === 'all' ? ['/subscriptions'] : seen.filter((one) => one.startsWith('/subs'))
  return { within, above: caller.tenantId }
}

/** Azure's filter of its activity log: `eventTimestamp ge '…' and eventTimestamp le '…'`. */
function timesOf(filter: string | undefined) {
  let sinceMs: number | undefined
  let untilMs: number | undefined
  for (const term of (filter ?? '').split(/\s+and\s+/i).filter((part) => part.trim() !== '')) {
    const [, bound = '', text = ''] =
      /^eventTimestamp\s+(ge|le)\s+'([^']*)'$/i.exec(term.trim()) ?? []
    const atMs = Date.parse(text)
    if (Number.isNaN(atMs)) {
      const message = `The $filter '${filter}' is not understood. Use eventTimestamp ge '2026-01-31T00:00:00Z' and eventTimestamp le '…'.`
      throw new ArmError('InvalidParameter', message, '$filter')
    }
    if (bound.toLowerCase() === 'ge') sinceMs = atMs
    else untilMs = atMs + 1
  }
  return { sinceMs, untilMs }
}

function cursorOf(token: string | undefined): AuditCursor | undefined {
  if (token === undefined) return undefined
  const [, atMs, id] = /^(\d{1,15})_([\w-]{1,64})$/.exec(token) ?? []
  if (atMs !== undefined && id !== undefined) return { atMs: Number(atMs), id }
  throw new ArmError('InvalidParameter', 'The $skiptoken is not one of ours.', '$skiptoken')
}

function entryBody(entry: AuditEntry, at: Scope) {
  const { id, atMs, outcome, scope, about, correlationId } = entry
  const { principalId, tenantId, name } = entry
  return {
    id: `${at.key === '' ? '' : at.text}/providers/Vitrine.Gallery/audit/${id}`,
    name: id,
    type: 'Vitrine.Gallery/audit',
    properties: {
      eventTimestamp: new Date(atMs).toISOString(),
      status: outcome === 'allowed' ? 'Succeeded' : 'Denied',
      action: entry.action,
      scope,
      caller: { principalId, tenantId, name },
      correlationId,
      details: about,
    },
  }
}
