import type { JsonObject } from '../../src/domain/rows.ts'

const schemas = 'https://schema.management.azure.com/schemas'

/** A template of nothing, of a group and of a subscription. */
export const bare = {
  $schema: `${schemas}/2019-04-01/deploymentTemplate.json#`,
  contentVersion: '1.0.0.0',
  resources: [],
}
export const bareOfSubscription = {
  ...bare,
  $schema: `${schemas}/2018-05-01/subscriptionDeploymentTemplate.json#`,
}

/** As a template has it. */
export const galleryResource = (name: string) => ({
  type: 'Microsoft.Compute/galleries',
  apiVersion: '2023-07-03',
  name,
  location: 'westeurope',
})

/** Its template is planned by itself, in the group that is named or in the one around it. */
export const nestedResource = (
  name: string,
  resources: readonly JsonObject[],
  resourceGroup?: string,
  scope: 'inner' | 'outer' = 'inner',
) => ({
  type: 'Microsoft.Resources/deployments',
  apiVersion: '2021-04-01',
  name,
  ...(resourceGroup !== undefined && { resourceGroup }),
  properties: {
    mode: 'Incremental',
    expressionEvaluationOptions: { scope },
    template: { ...bare, resources },
  },
})
