import { z } from 'zod'
import { ClientError } from '../../client/client-error.ts'
import { openHttp } from '../../client/http.ts'
import { parseJson } from '../../client/tokens.ts'

/** Before this one, Azure's answers are lists of clouds. */
const apiVersion = '2022-09-01'

const Cloud = z.object({
  resourceManager: z.url(),
  gallery: z.url(),
  microsoftGraphResourceId: z.url(),
  authentication: z.object({ loginEndpoint: z.url(), audiences: z.array(z.string()).min(1) }),
})

/**
 * What `az cloud register` is told of the installation at `base`, as that says itself; and whether its people sign in
 * with another server. Throws ClientError.
 */
export async function foundCloud(base: string, ca: string | undefined, signal: AbortSignal) {
  const http = openHttp(ca)
  try {
    const url = `${base.replace(/\/+$/, '')}/metadata/endpoints?api-version=${apiVersion}`
    const answer = await http.send({ method: 'GET', url, signal })
    const { data } = Cloud.safeParse(parseJson(answer.body))
    if (data) {
      const { loginEndpoint } = data.authentication
      const isElsewhere = new URL(loginEndpoint).host !== new URL(data.resourceManager).host
      return { cloud: cloudOf(data), isElsewhere }
    }
    throw new ClientError({
      code: 'BadAnswer',
      message: `${url} answered ${answer.status}, and nothing that tells of a cloud.`,
      nextStep: 'Is --base the address of a Vitrine server?',
    })
  } finally {
    http.close()
  }
}

function cloudOf({ resourceManager, authentication, ...others }: z.infer<typeof Cloud>) {
  const endpoints = {
    // az compares addresses by their first letters, in lower case.
    resourceManager: resourceManager.toLowerCase().replace(/\/+$/, ''),
    management: authentication.audiences[0],
    // Ours ends in /adfs: of any other unknown authority MSAL first asks Microsoft.
    activeDirectory: authentication.loginEndpoint,
    activeDirectoryResourceId: authentication.audiences[0],
    activeDirectoryGraphResourceId: others.microsoftGraphResourceId,
    microsoftGraphResourceId: others.microsoftGraphResourceId,
    gallery: others.gallery,
  }
  // az asks for both; nothing is there, since accounts are named by their connection string or blob endpoint.
  const suffixes = { storageEndpoint: 'storage.localhost', keyvaultDns: '.vault.localhost' }
  return { profile: 'latest', endpoints, suffixes }
}
