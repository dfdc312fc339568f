import { z } from 'zod'

/** An error beneath another one. */
type Detail = {
  readonly code: string
  readonly message: string
  readonly target?: string | undefined
  /** Where in a template it is. */
  readonly place?: string | undefined
}

type Facts = {
  /** Azure's code, or one of ours: `Unreachable`, `AnswerCut`, `BadAnswer`, `TimedOut`, `InvalidFile`. */
  readonly code: string
  readonly message: string
  /** HTTP status; undefined when no answer came. */
  readonly status?: number | undefined
  readonly target?: string | undefined
  /** `line 5, position 12: resources[0].name` of a template. */
  readonly place?: string | undefined
  readonly details?: readonly Detail[] | undefined
  readonly correlationId?: string | undefined
  /** What to do about it, where more is known than the code tells. */
  readonly nextStep?: string | undefined
}

/** A request that did not succeed, told so that a person can mend it. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: string
  readonly status: number | undefined
  readonly target: string | undefined
  readonly place: string | undefined
  readonly details: readonly Detail[]
  readonly correlationId: string | undefined
  readonly nextStep: string | undefined

  constructor(facts: Facts, options?: ErrorOptions) {
    super(facts.message, options)
    this.code = facts.code
    this.status = facts.status
    this.target = facts.target
    this.place = facts.place
    this.details = facts.details ?? []
    this.correlationId = facts.correlationId
    this.nextStep = facts.nextStep ?? nextSteps[facts.code] ?? nextStepFor(facts.status)
  }
}

/** What is awaited; when it is refused with a code that `advice` names, the error says that as the next step. */
export async function advising<Result>(
  awaited: Promise<Result>,
  advice: Readonly<Record<string, string>>,
): Promise<Result> {
  try {
    return await awaited
  } catch (error) {
    const nextStep = error instanceof ClientError ? advice[error.code] : undefined
    if (!(error instanceof ClientError) || nextStep === undefined) throw error
    throw new ClientError({ ...error, message: error.message, nextStep }, { cause: error })
  }
}

const Told = {
  code: z.string().catch(''),
  message: z.string().catch(''),
  target: z.string().nullish().catch(undefined),
  details: z.array(z.unknown()).nullish().catch(undefined),
  additionalInfo: z.array(z.unknown()).nullish().catch(undefined),
}
const DetailBody = z.object(Told)
const ErrorBody = z.object({ ...Told, code: z.string() })
const Violation = z.object({
  type: z.literal('TemplateViolation'),
  info: z.object({ lineNumber: z.number(), linePosition: z.number(), path: z.string() }),
})

/** Errors of nested deployments lie in each other: no deeper than this. */
const detailDepthMax = 8

/** The error inside `{ error: { code, message … } }`, of an answer or of a failed operation. */
export function errorOf(body: unknown, status?: number, correlationId?: string): ClientError {
  const parsed = z.object({ error: ErrorBody }).safeParse(body)
  if (parsed.success) {
    const { code, message, details } = parsed.data.error
    return new ClientError({
      code,
      message: message || code,
      status,
      ...whereOf(parsed.data.error),
      details: flatDetails(details ?? []),
      correlationId,
    })
  }
  return new ClientError({
    code: status === undefined ? 'OperationFailed' : `Http${status}`,
    message:
      status === undefined
        ? 'The operation failed and gave no reason.'
        : `The server answered with HTTP ${status} and no explanation.`,
    status,
    correlationId,
  })
}

/** Those beneath each other in one list, the outer before the inner. */
function flatDetails(details: readonly unknown[], depth = 1): readonly Detail[] {
  if (depth > detailDepthMax) return []
  return details.flatMap((detail) => {
    const { data } = DetailBody.safeParse(detail)
    if (data === undefined) return []
    const { code, message } = data
    return [{ code, message, ...whereOf(data) }, ...flatDetails(data.details ?? [], depth + 1)]
  })
}

function whereOf({ target, additionalInfo }: z.output<typeof DetailBody>) {
  const [violation] = (additionalInfo ?? []).flatMap((one) => Violation.safeParse(one).data ?? [])
  return { target: target ?? undefined, place: violation && placeOf(violation.info) }
}

function placeOf({ lineNumber, linePosition, path }: z.output<typeof Violation>['info']) {
  const line = lineNumber > 0 ? `line ${lineNumber}, position ${linePosition}` : ''
  return [line, path].filter((part) => part !== '').join(': ') || undefined
}

const nextSteps: Readonly<Record<string, string>> = {
  Unreachable:
    'Is the server running? Start it with `vitrine serve`, or log in to another one with `vitrine login`.',
  AnswerCut: 'Repeat the command; the log of the server tells why it broke off.',
  ImageDamaged:
    'See what is lost, and where, with `vitrine image-version health`. Where another region is healthy, read it there with `-l`; otherwise publish the version again from its source file.',
  AuthenticationFailed: 'Log in again: `vitrine login --data DIR`.',
  GalleryImageNotFound:
    'The regions of a version: `vitrine image-version show`. Or it is no longer shared with you: ask its owner.',
  PrincipalNotFound:
    'The object ids that there are: `vitrine user list`, `vitrine user-group list`, `vitrine application list`.',
  AuthorizationFailed: 'Ask an owner of this scope for a role that allows the action.',
  ResourceGroupNotFound:
    'Create it with `vitrine group create -n NAME -l REGION`, or see `vitrine group list`.',
  ParentResourceNotFound: 'Create the gallery or image definition above it first.',
  ResourceNotFound: 'Check the names; the matching `list` command shows what exists.',
  LocationNotAvailableForResourceType:
    '`vitrine account list-locations` shows the regions that are served.',
  LocationNotAvailableForResourceGroup:
    '`vitrine account list-locations` shows the regions that are served.',
  CannotDeleteResource: 'Delete what lies below it first.',
  PropertyChangeNotAllowed: 'Keep the stored value, or create a new resource.',
  PreconditionFailed: 'Somebody changed it meanwhile: read it again, then repeat the change.',
  StorageFull: 'Free or add room for the region, then repeat the command.',
}

function nextStepFor(status: number | undefined): string | undefined {
  if (status === 404) return nextSteps.ResourceNotFound
  if (status === 429 || status === 503) return 'The server is busy: repeat the command in a moment.'
  if (status !== undefined && status >= 500)
    return 'The log of the server has more under the correlation id.'
  return undefined
}
