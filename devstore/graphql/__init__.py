"""The Admin GraphQL API: our own SDL, executed by graphql-core over tables of fields."""
