import { z } from 'zod'
import { ClientError } from '../client/client-error.ts'
import { apiVersions } from './paths.ts'
import type { ProgressRow } from './progress.ts'
import type { Session } from './session.ts'

/** One region of a version, as the server tells it. */
const RegionProgress = z.object({
  region: z.string(),
  displayName: z.string(),
  /** `Unknown`, `Replicating`, `Completed` or `Failed`. */
  state: z.string(),
  usable: z.boolean().catch(false),
  phase: z.string().catch(''),
  bytesDone: z.number().catch(0),
  bytesTotal: z.number().catch(0),
  bytesPerSecond: z.number().nullish().catch(0),
  etaSeconds: z.number().nullish().catch(undefined),
  replicas: z.number().nullish().catch(undefined),
  storageAccountType: z.string().nullish().catch(undefined),
  reason: z.string().nullish().catch(undefined),
})
export type RegionProgress = z.infer<typeof RegionProgress>

const Detail = z.object({ value: z.array(RegionProgress) })

/** Where each region of a version stands. Throws ClientError (404 when the version does not exist). */
export async function readRegions(
  session: Session,
  versionPath: string,
  signal: AbortSignal,
): Promise<readonly RegionProgress[]> {
  const path = `${versionPath}/providers/Vitrine.Gallery/replication`
  const answer = await session.client.call('GET', path, { apiVersion: apiVersions.vitrine, signal })
  const parsed = Detail.safeParse(answer.body)
  if (parsed.success) return parsed.data.value
  throw new ClientError({
    code: 'BadAnswer',
    message: 'The server tells the progress of the regions in a shape that is not known here.',
    nextStep: 'Use the `vitrine` command of the same release as the server.',
  })
}

/** A region as a row of progress. */
export function progressRow(region: RegionProgress): ProgressRow {
  const kind = [
    region.storageAccountType?.replace('Standard_', '').replace('_LRS', ''),
    region.replicas && region.replicas > 1 ? `${region.replicas} replicas` : undefined,
  ].filter((part) => part !== undefined && part !== '')
  const state = stateOf(region)
  const doing = state === 'done' ? '' : (region.reason ?? region.phase)
  const usable = region.usable && state !== 'done' ? 'usable already' : ''
  return {
    label: region.displayName,
    state,
    bytesDone: region.bytesDone,
    bytesTotal: region.bytesTotal,
    bytesPerSecond: region.bytesPerSecond ?? 0,
    etaSeconds: region.etaSeconds ?? undefined,
    note: [kind.join(', '), doing, usable].filter((part) => part !== '').join(' · '),
  }
}

function stateOf(region: RegionProgress): ProgressRow['state'] {
  if (region.state === 'Completed') return 'done'
  if (region.state === 'Failed') return 'failed'
  return region.bytesDone > 0 || region.bytesTotal > 0 || region.phase !== ''
    ? 'running'
    : 'waiting'
}
