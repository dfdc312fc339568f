const webhooks = 'Vitrine.Gallery/eventSubscriptions'
const subscriptions = `/providers/${webhooks}`

/** Rows of the table of routes for who is told of events. */
export const webhookRows: readonly (readonly [
  ask: string,
  action: string,
  held: string,
  at: string,
])[] = [
  [`GET {gallery}${subscriptions}`, `${webhooks}/read`, 'OCRU', '{gallery}'],
  [`GET {gallery}${subscriptions}/none`, `${webhooks}/read`, 'OCRU', '{gallery}'],
  [`PUT {gallery}${subscriptions}/none`, `${webhooks}/write`, 'OC', '{gallery}'],
  [`DELETE {gallery}${subscriptions}/none`, `${webhooks}/delete`, 'OC', '{gallery}'],
  [`POST {gallery}${subscriptions}/none/deliver`, `${webhooks}/deliver/action`, 'OC', '{gallery}'],
]
