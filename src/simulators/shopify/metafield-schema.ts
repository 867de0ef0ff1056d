/** What the simulated shop answers of metafields: part of its schema. */
export const metafieldTypes = `type Metafield implements Node {
  id: ID! namespace: String! key: String! type: String! value: String! compareDigest: String!
}
type MetafieldIdentifier { ownerId: ID! namespace: String! key: String! }
input MetafieldIdentifierInput { ownerId: ID! namespace: String! key: String! }
type MetafieldsDeletePayload { deletedMetafields: [MetafieldIdentifier] userErrors: [UserError!]! }
enum MetafieldOwnerType { CUSTOMER ORDER PRODUCT PRODUCTVARIANT }
enum MetafieldCustomerAccountAccessInput { NONE READ READ_WRITE }
input MetafieldAccessInput { customerAccount: MetafieldCustomerAccountAccessInput }
input MetafieldDefinitionInput {
  access: MetafieldAccessInput description: String key: String! name: String! namespace: String ownerType: MetafieldOwnerType! type: String!
}
type MetafieldDefinition implements Node { id: ID! namespace: String! key: String! name: String! }
enum MetafieldDefinitionCreateUserErrorCode { BLANK INVALID TAKEN }
type MetafieldDefinitionCreateUserError implements DisplayableError {
  code: MetafieldDefinitionCreateUserErrorCode field: [String!] message: String!
}
type MetafieldDefinitionCreatePayload { createdDefinition: MetafieldDefinition userErrors: [MetafieldDefinitionCreateUserError!]! }
input MetafieldsSetInput { ownerId: ID! namespace: String key: String! type: String value: String! compareDigest: String }
enum MetafieldsSetUserErrorCode { BLANK INVALID INVALID_TYPE INVALID_VALUE STALE_OBJECT }
type MetafieldsSetUserError implements DisplayableError {
  code: MetafieldsSetUserErrorCode elementIndex: Int field: [String!] message: String!
}
type MetafieldsSetPayload { metafields: [Metafield!] userErrors: [MetafieldsSetUserError!]! }`;
