import { z } from 'zod'
import type { Problem } from '../domain/problem.ts'
import { galleryApiVersions } from './api-versions.ts'
import { date, flag, tracked, word } from './coerce.ts'
import type { ResourceType, Write } from './declaration.ts'
import { assetNameProblems, futureProblems } from './image-definition-rules.ts'

export const galleryApplicationType = 'Microsoft.Compute/galleries/applications'

/** The first api-version that has applications and their versions. */
const since = '2019-03-01'
export const applicationApiVersions = galleryApiVersions.filter((known) => known >= since)

export const CustomActions = z
  .array(
    z.object({
      name: z.string(),
      script: z.string(),
      description: z.string().exactOptional(),
      parameters: z
        .array(
          z.object({
            name: z.string(),
            required: flag.exactOptional(),
            type: word(['String', 'ConfigurationDataBlob', 'LogOutputBlob']).exactOptional(),
            defaultValue: z.string().exactOptional(),
            description: z.string().exactOptional(),
          }),
        )
        .exactOptional(),
    }),
  )
  .exactOptional()

/** A gallery application in the newest shape. */
const GalleryApplication = z.object({
  ...tracked,
  properties: z.object({
    supportedOSType: word(['Windows', 'Linux']),
    description: z.string().exactOptional(),
    eula: z.string().exactOptional(),
    privacyStatementUri: z.string().exactOptional(),
    releaseNoteUri: z.string().exactOptional(),
    endOfLifeDate: date.exactOptional(),
    customActions: CustomActions,
  }),
})
type GalleryApplication = z.infer<typeof GalleryApplication>

/** A package that machines install: what it is, and for which OS. Its versions have the bytes. */
export const galleryApplications: ResourceType<GalleryApplication> = {
  type: galleryApplicationType,
  apiVersions: applicationApiVersions,
  parent: 'Microsoft.Compute/galleries',
  target: 'galleryApplication',
  lists: ['parent'],
  tracked: true,
  nameProblems: (name) => assetNameProblems('galleryApplicationName', name),
  schema: GalleryApplication,
  evolution: {
    since: { 'properties.customActions': '2022-03-03' },
    defaults: [],
    moves: [],
  },
  readOnly: [],
  // `az sig gallery-application update` leaves it out.
  keep: ['properties.supportedOSType'],
  by: { 'properties.customActions': 'name' },
  immutable: ['properties.supportedOSType'],
  operations: {
    flavour: 'caps',
    create: { status: 201, headers: ['Azure-AsyncOperation'] },
    update: { status: 200, headers: ['Azure-AsyncOperation'] },
    patch: { status: 200, headers: [] },
    delete: { status: 200, headers: [] },
    shows: { create: 'Creating', update: undefined },
  },
  problems: endOfLifeProblems,
}

function endOfLifeProblems({ next, before, now }: Write<GalleryApplication>): readonly Problem[] {
  const { endOfLifeDate } = next.properties
  if (endOfLifeDate === before?.doc.properties.endOfLifeDate) return []
  return futureProblems(endOfLifeDate, now, 'galleryApplication.properties.endOfLifeDate')
}
