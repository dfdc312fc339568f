import { ArmError } from '../../domain/errors.ts'

/** What a request for a type at an api-version that it has not is told, in Azure's words. */
export function wrongApiVersion(
  { type, apiVersions }: { readonly type: string; readonly apiVersions: readonly string[] },
  apiVersion: string,
): ArmError {
  const [namespace, ...rest] = type.split('/')
  return new ArmError(
    'InvalidResourceType',
    `The resource type '${rest.join('/')}' could not be found in the namespace '${namespace}' for api version '${apiVersion}'. ` +
      `The supported api-versions are '${apiVersions.join(',')}'.`,
  )
}
