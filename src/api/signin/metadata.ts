import { Hono } from 'hono'

/** Azure's answers: an object at first, a list of clouds from the first of these on, and one cloud from the second. */
const [listFrom, oneFrom] = ['2018-01-01', '2022-09-01']

type MetadataPorts = {
  /** Where clients reach this installation, no slash at the end. */
  readonly baseUrl: string
  /** Where its people get tokens, without their tenant. */
  readonly loginEndpoint: string
  /** What a token for ARM is made for. */
  readonly audience: string
  readonly tenantId: string
}

/** What clients of Azure ask a cloud that they do not know: where all its parts are. Needs no token, and tells no secret. */
export function metadataRoutes(ports: MetadataPorts): Hono {
  const routes = new Hono()
  routes.get('/metadata/endpoints', async (context, next) => {
    const version = context.req.query('api-version')
    if (version === undefined) return await next()
    if (version < listFrom) return context.json(firstForm(ports))
    return context.json(version < oneFrom ? [cloud(ports)] : cloud(ports))
  })
  return routes
}

function firstForm({ baseUrl, loginEndpoint, audience }: MetadataPorts) {
  return {
    galleryEndpoint: `${baseUrl}/`,
    graphEndpoint: `${baseUrl}/graph/`,
    portalEndpoint: `${baseUrl}/`,
    authentication: { loginEndpoint, audiences: [audience] },
  }
}

function cloud({ baseUrl, loginEndpoint, audience, tenantId }: MetadataPorts) {
  const graph = `${baseUrl}/graph/`
  return {
    name: 'Vitrine',
    portal: `${baseUrl}/`,
    resourceManager: baseUrl,
    gallery: `${baseUrl}/`,
    authentication: {
      loginEndpoint,
      audiences: [audience],
      tenant: tenantId,
      identityProvider: 'AAD',
    },
    graph,
    graphAudience: graph,
    microsoftGraphResourceId: graph,
    suffixes: { storage: new URL(baseUrl).host },
  }
}
