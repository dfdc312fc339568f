import type { ResourceId } from '../../domain/resource-id.ts'
import { listSoftDeleted } from '../../providers/list.ts'
import { imageVersions } from '../../resources/image-version.ts'
import { softDeletedShape, softDeleteSince } from '../../resources/soft-delete.ts'
import { type Answer, type ArmRequest, listAnswer } from './answer.ts'
import { mustHaveApiVersion } from './api-version.ts'

/** One page of the versions of a definition that are deleted softly. */
export async function answerSoftDeleted(
  request: ArmRequest,
  definition: ResourceId,
): Promise<Answer> {
  const { providers, asked, query } = request
  const apiVersions = imageVersions.apiVersions.filter((known) => known >= softDeleteSince)
  const type = 'Microsoft.Compute/galleries/softDeletedArtifactTypes/artifacts/versions'
  mustHaveApiVersion({ type, apiVersions }, asked.apiVersion)
  const after = query.get('$skiptoken')
  const page = await listSoftDeleted(providers, asked, {
    definition,
    type: imageVersions.type,
    after,
  })
  const texts = page.rows.map((row) => JSON.stringify(softDeletedShape(row)))
  return listAnswer(request, texts, page.next)
}
