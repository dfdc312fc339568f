import { z } from 'zod'
import type { World } from '../base/world.ts'
import type { Json } from '../domain/rows.ts'
import type { ArmAnswer } from './arm-answer.ts'
import { ClientError, errorOf } from './client-error.ts'
import { clientLimits } from './client-limits.ts'
import { retryAfterMs } from './patience.ts'

export type PollStatus = {
  /** Azure's word: `InProgress`, `Succeeded`, `Failed`, `Canceled` or another that is not final. */
  readonly status: string
  readonly percentComplete: number | undefined
}

type Parts = {
  readonly world: Pick<World, 'sleep'>
  /** Throws ClientError for statuses of 400 and more. */
  readonly get: (url: string, signal: AbortSignal) => Promise<ArmAnswer>
  readonly signal: AbortSignal
  readonly onPoll?: (status: PollStatus) => void
}

const StatusBody = z.object({
  status: z.string(),
  percentComplete: z.number().optional().catch(undefined),
  properties: z.object({ output: z.json().optional() }).nullish().catch(undefined),
})

/**
 * Waits for the end of what `answer` began, as Azure's clients do: by `Azure-AsyncOperation`, else `Location`, else
 * `provisioningState`. The first poll is immediate, later ones wait as `Retry-After` says. Returns the final document.
 */
export async function waitFor(answer: ArmAnswer, parts: Parts): Promise<Json | undefined> {
  const operation = answer.headers['azure-asyncoperation']
  const location = answer.headers.location
  if (operation !== undefined) {
    const output = await pollOperation(operation, parts)
    return await resultOf(answer, output, parts)
  }
  if (location !== undefined) return await pollLocation(location, parts)
  if (answer.method === 'PUT' || answer.method === 'PATCH') return await pollResource(answer, parts)
  return answer.body
}

async function resultOf(answer: ArmAnswer, output: Json | undefined, parts: Parts) {
  if (answer.method === 'DELETE') return undefined
  if (answer.method === 'PUT' || answer.method === 'PATCH')
    return (await parts.get(answer.url, parts.signal)).body
  const location = answer.headers.location
  if (output !== undefined || location === undefined) return output
  return await pollLocation(location, parts)
}

async function pollOperation(url: string, parts: Parts): Promise<Json | undefined> {
  return await poll(url, parts, (answer) => {
    const body = StatusBody.safeParse(answer.body)
    if (!body.success)
      throw new ClientError({ code: 'BadAnswer', message: `${url} is not an operation.` })
    const { status, percentComplete, properties } = body.data
    parts.onPoll?.({ status, percentComplete })
    if (status === 'Failed' || status === 'Canceled') throw errorOf(answer.body)
    return status === 'Succeeded' ? { done: properties?.output } : 'running'
  })
}

async function pollLocation(url: string, parts: Parts): Promise<Json | undefined> {
  return await poll(url, parts, (answer) => {
    const running = answer.status === 202
    parts.onPoll?.({ status: running ? 'InProgress' : 'Succeeded', percentComplete: undefined })
    return running ? 'running' : { done: answer.body }
  })
}

const ResourceBody = z.object({
  properties: z.object({ provisioningState: z.string().optional() }).optional(),
})

async function pollResource(first: ArmAnswer, parts: Parts): Promise<Json | undefined> {
  const judge = (answer: ArmAnswer): Judgement => {
    const body = ResourceBody.safeParse(answer.body)
    const status = (body.success && body.data.properties?.provisioningState) || 'Succeeded'
    parts.onPoll?.({ status, percentComplete: undefined })
    if (status === 'Failed' || status === 'Canceled') throw errorOf(answer.body)
    return status === 'Succeeded' ? { done: answer.body } : 'running'
  }
  const judged = judge(first)
  return judged === 'running' ? await poll(first.url, parts, judge) : judged.done
}

type Judgement = 'running' | { readonly done: Json | undefined }

async function poll(url: string, parts: Parts, judge: (answer: ArmAnswer) => Judgement) {
  for (let count = 0; count < clientLimits.pollsMax; count++) {
    const answer = await parts.get(url, parts.signal)
    const judged = judge(answer)
    if (judged !== 'running') return judged.done
    await parts.world.sleep(retryAfterMs(answer) ?? clientLimits.pollMs, parts.signal)
  }
  throw new ClientError({
    code: 'TimedOut',
    message: 'The operation did not end in the time that is waited for.',
    nextStep: `Look again with \`vitrine operation watch ${url}\`.`,
  })
}
