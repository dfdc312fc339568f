import { type Problem, unless } from '../domain/problem.ts'
import { parseTime } from './coerce.ts'
import type { Fact, Facts, Write } from './declaration.ts'
import { type ImageDefinition, securityTypes } from './image-definition-schema.ts'
import { changeProblem } from './merge.ts'
import { rangeProblems } from './parse.ts'

const target = 'galleryImage.properties'

/** Every reason why a definition may not be stored. */
export function definitionProblems(
  write: Write<ImageDefinition>,
  facts: Facts,
): readonly Problem[] {
  const { next, before } = write
  const { endOfLifeDate, recommended } = next.properties
  return [
    ...identifierProblems(write, facts),
    ...(endOfLifeDate === before?.doc.properties.endOfLifeDate
      ? []
      : futureProblems(endOfLifeDate, write.now, `${target}.endOfLifeDate`)),
    ...recommendedProblems(recommended?.vCPUs, `${target}.recommended.vCPUs`),
    ...recommendedProblems(recommended?.memory, `${target}.recommended.memory`),
    ...featureProblems(next),
    ...featureChangeProblems(write),
  ]
}

/** Requirement 8: letters, digits, dashes, periods (and underscores, as Azure takes), alphanumeric at both ends. */
export function assetNameProblems(parameter: string, name: string): readonly Problem[] {
  const trailing = trailingProblems(name, parameter)
  if (trailing.length > 0) return trailing
  const holds = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,78}[A-Za-z0-9])?$/.test(name)
  return unless(
    holds,
    'InvalidParameter',
    parameter,
    `The name '${name}' is invalid. Allowed characters are English alphanumeric characters, with underscores, dashes and periods allowed in the middle, up to 80 characters total.`,
  )
}

/** What ARM's front door says of a name that ends with a period or underscore. */
export function trailingProblems(name: string, parameter: string): readonly Problem[] {
  const [trailing] = /[._]+$/.exec(name) ?? []
  const message = `The provided resource name ${name} has these invalid trailing characters: ${trailing}. The name can not end with characters: ${trailing}`
  return unless(trailing === undefined, 'InvalidResourceName', parameter, message)
}

/** A date that is set must lie ahead. */
export function futureProblems(
  value: string | undefined,
  now: Date,
  path: string,
): readonly Problem[] {
  const atMs = value === undefined ? undefined : parseTime(value)
  return unless(
    atMs === undefined || atMs > now.getTime(),
    'InvalidParameter',
    path,
    'EndOfLifeDate must be set to a future date.',
  )
}

const lengthsMax = { publisher: 128, offer: 64, sku: 64 } as const

function identifierProblems(
  { id, next, before }: Write<ImageDefinition>,
  facts: Facts,
): readonly Problem[] {
  const { identifier } = next.properties
  const held: Fact | undefined = facts.identifier
  const holder = held?.row
  const { publisher, offer, sku } = identifier
  return [
    ...Object.entries(lengthsMax).flatMap(([part, max]) => {
      const value = identifier[part as keyof typeof lengthsMax]
      return unless(
        value.length <= max && /^[A-Za-z0-9._-]*[A-Za-z0-9_-]$/.test(value),
        'InvalidParameter',
        `${target}.identifier.${part}`,
        `Asset name ${target}.identifier.${part} is not valid. It cannot be empty. Allowed characters are uppercase or lowercase letters, digits, hyphen(-), period (.), underscore (_). Names are not allowed to end with period(.). The length of the name cannot exceed ${max} characters.`,
      )
    }),
    ...(before || !holder || holder.key === id.key
      ? []
      : [
          {
            code: 'Conflict' as const,
            message: `Gallery image: ${holder.name} identified by (publisher:${publisher}, offer:${offer}, sku:${sku}) already exists. Choose a different publisher, offer, sku combination.`,
            target: `${target}.identifier`,
          },
        ]),
  ]
}

const int32Max = 2_147_483_647

function recommendedProblems(
  range: { readonly min?: number; readonly max?: number } | undefined,
  path: string,
): readonly Problem[] {
  const { min, max } = range ?? {}
  return [
    ...rangeProblems(min, { min: 1, max: int32Max, target: `${path}.min` }),
    ...rangeProblems(max, { min: 1, max: int32Max, target: `${path}.max` }),
    ...unless(
      min === undefined || max === undefined || min <= max,
      'InvalidParameter',
      path,
      `The minimum value of ${path} must not be greater than the maximum value of ${path}.`,
    ),
  ]
}

const needsV2: readonly string[] = securityTypes.filter((known) => known !== 'Standard')

function featureProblems({ properties }: ImageDefinition): readonly Problem[] {
  const { features = [], hyperVGeneration } = properties
  const path = `${target}.features`
  const names = features.map((feature) => feature.name)
  return [
    ...unless(
      new Set(names).size === names.length,
      'InvalidParameter',
      path,
      'A feature may be named only once.',
    ),
    ...features.flatMap(({ name, value }) => {
      const allowed = allowedValues(name)
      return unless(
        allowed === undefined || allowed.includes(value),
        'InvalidParameter',
        `${path}.${name}`,
        `The value '${value}' of feature ${name} is not allowed. Allowed values are ${allowed?.map((one) => `'${one}'`).join(', ')}.`,
      )
    }),
    ...features
      .filter(({ name, value }) => name === 'SecurityType' && needsV2.includes(value))
      .flatMap(({ value }) =>
        unless(
          hyperVGeneration === 'V2',
          'InvalidParameter',
          `${path}.SecurityType`,
          `SecurityType '${value}' needs hyperVGeneration V2, not ${hyperVGeneration}.`,
        ),
      ),
  ]
}

function allowedValues(name: string): readonly string[] | undefined {
  if (name === 'SecurityType') return securityTypes
  return name === 'DiskControllerTypes' ? undefined : ['True', 'False']
}

/** `complete` leaves the flag only as the mark of a change that the request did not allow. */
function featureChangeProblems({ next }: Write<ImageDefinition>): readonly Problem[] {
  const forbidden = next.properties.allowUpdateImage === false
  return forbidden ? [changeProblem(`${target}.features`)] : []
}
