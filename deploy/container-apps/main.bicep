// A scheduled job of Azure Container Apps that runs nsp nightly, with an identity that can read the export only.
// az deployment group create --resource-group GROUP --template-file main.bicep --parameters ...
// The environment has to lie in a virtual network that reaches the NFS share: the store needs real locks, which SMB
// shares don't give. The share has to be writable for the user 10001 of the image. Reader on the subscriptions of the perimeters is given beside (docs/nightly.md):
// az role assignment create --assignee-object-id PRINCIPAL --assignee-principal-type ServicePrincipal --role Reader --scope /subscriptions/ID

param location string = resourceGroup().location
param environmentName string
param image string
param exportAccountName string
param shareAccountName string
param shareName string = 'nsp'
param subscriptionIds string
param cronExpression string = '15 3 * * *'

@secure()
param webhook string

var storageBlobDataReader = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'

resource environment 'Microsoft.App/managedEnvironments@2025-07-01' existing = {
  name: environmentName
}

resource exportAccount 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: exportAccountName
}

resource share 'Microsoft.App/managedEnvironments/storages@2025-07-01' = {
  parent: environment
  name: 'nsp'
  properties: {
    nfsAzureFile: {
      server: '${shareAccountName}.file.core.windows.net'
      shareName: '/${shareAccountName}/${shareName}'
      accessMode: 'ReadWrite'
    }
  }
}

resource reader 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'nsp-nightly'
  location: location
}

resource readsExport 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(exportAccount.id, reader.id, storageBlobDataReader)
  scope: exportAccount
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
    principalId: reader.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource job 'Microsoft.App/jobs@2025-07-01' = {
  name: 'nsp-nightly'
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${reader.id}': {}
    }
  }
  properties: {
    environmentId: environment.id
    configuration: {
      triggerType: 'Schedule'
      replicaTimeout: 21600
      replicaRetryLimit: 1
      scheduleTriggerConfig: {
        cronExpression: cronExpression
        parallelism: 1
        replicaCompletionCount: 1
      }
      secrets: [
        {
          name: 'webhook'
          value: webhook
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'nsp'
          image: image
          resources: {
            cpu: json('1.0')
            memory: '2Gi'
          }
          env: [
            {
              name: 'NSP_BLOB_ACCOUNT_URL'
              value: 'https://${exportAccountName}.blob.core.windows.net'
            }
            {
              name: 'NSP_AZURE_AUTH'
              value: 'managed-identity'
            }
            {
              name: 'NSP_AZURE_CLIENT_ID'
              value: reader.properties.clientId
            }
            {
              name: 'NSP_INVENTORY_SUBSCRIPTION'
              value: subscriptionIds
            }
            {
              name: 'NSP_NIGHTLY_WEBHOOK_ENV'
              value: 'NSP_WEBHOOK'
            }
            {
              name: 'NSP_WEBHOOK'
              secretRef: 'webhook'
            }
          ]
          volumeMounts: [
            {
              volumeName: 'store'
              mountPath: '/data'
            }
          ]
        }
      ]
      volumes: [
        {
          name: 'store'
          storageType: 'NfsAzureFile'
          storageName: share.name
        }
      ]
    }
  }
}

output principalId string = reader.properties.principalId
