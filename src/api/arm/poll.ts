import type { Json, JsonObject, OperationFlavour, OperationRow } from '../../domain/rows.ts'
import { readOperation, type ShownOperation } from '../../providers/operation.ts'
import type { Answer, ArmRequest } from './answer.ts'
import { operationBody, operationUrl, pollHeaders } from './operations.ts'
import { present } from './present.ts'

/** A poll of an operation: the status form (Azure-AsyncOperation) or the monitor form (Location). */
export async function answerOperation(
  request: ArmRequest,
  subscription: string,
  id: string,
): Promise<Answer> {
  const { providers, asked, query } = request
  const shown = await readOperation(providers, asked, subscription, id)
  const monitors = query.get('monitor') === 'true' || shown.operation.flavour === 'group'
  return monitors ? monitorAnswer(request, shown) : statusAnswer(request, shown)
}

function statusAnswer(request: ArmRequest, shown: ShownOperation): Answer {
  const { operation } = shown
  const running = operation.status === 'InProgress' ? pollAgain(request, operation) : {}
  const body = operationBody(operation, outputOf(request, shown))
  return { status: 200, headers: running, body }
}

function pollAgain({ providers }: ArmRequest, operation: OperationRow): Record<string, string> {
  return pollHeaders(operation, providers.world.now())
}

/** 202 while it runs, then the result alone: its output, or nothing. A failure keeps its status and error. */
function monitorAnswer(request: ArmRequest, shown: ShownOperation): Answer {
  const { operation, row } = shown
  if (operation.status === 'InProgress') {
    const location = operationUrl(
      request.origin,
      operation,
      row?.region ?? 'global',
      request.asked.apiVersion,
      true,
    )
    return { status: 202, headers: { location, ...pollAgain(request, operation) } }
  }
  if (operation.error) return { status: 409, body: { error: operation.error } }
  const output = outputOf(request, shown)
  if (output !== undefined) return { status: 200, body: output }
  // A move of resources: it has nothing to show.
  const isMove = operation.flavour === 'group' && operation.verb === 'action'
  return { status: isMove ? 204 : 200 }
}

/** Whose operations end with the resource itself. */
const tellsResource = new Set<OperationFlavour>(['disk', 'storage'])

/** What the operation gives: the URL of a grant, what an action told, or the resource itself, as far as it may be read now. */
function outputOf(
  request: ArmRequest,
  { operation, row, mayRead }: ShownOperation,
): Json | undefined {
  const { providers, asked, origin } = request
  if (operation.status !== 'Succeeded') return undefined
  const grant = grantOf(operation.output)
  if (grant !== undefined) {
    // The URL is a secret: only who asked for it gets it.
    if (operation.principalId !== asked.caller.principalId) return undefined
    return { accessSAS: request.sasUrl(origin, grant) }
  }
  if (isObject(operation.output) && operation.output.told !== undefined)
    return operation.output.told
  const type = row && providers.findType(row.type)
  if (
    !mayRead ||
    !row ||
    !type ||
    !tellsResource.has(operation.flavour) ||
    operation.verb === 'action'
  )
    return undefined
  const { apiVersion } = asked
  return present({ row, replicas: [] }, { type, apiVersion, settings: providers.settings })
}

function grantOf(output: Json | undefined): string | undefined {
  const { grant } = isObject(output) ? output : {}
  return typeof grant === 'string' ? grant : undefined
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
