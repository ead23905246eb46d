output "kubeconfig" {
  description = "The command that makes kubectl speak to the cluster."
  value       = "gcloud container clusters get-credentials ${google_container_cluster.this.name} --region ${var.region} --project ${var.project}"
}

output "values" {
  description = "For the chart, with the bucket's key: terraform output -raw values > secrets.yaml, beside values/gke.yaml."
  sensitive   = true
  value = yamlencode({
    policy = { registry = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}" }
    store = {
      url             = "s3://${google_storage_bucket.runs.name}/vtspec"
      endpoint        = "https://storage.googleapis.com"
      region          = "auto"
      pathStyle       = true
      accessKeyId     = google_storage_hmac_key.runs.access_id
      secretAccessKey = google_storage_hmac_key.runs.secret
    }
    queues = {
      engine = "kueue"
      flavors = {
        for name, pool in var.gpu_pools : name => {
          resource    = "nvidia.com/gpu"
          nodeLabels  = { "cloud.google.com/gke-accelerator" = pool.accelerator }
          tolerations = [{ key = "nvidia.com/gpu", operator = "Exists", effect = "NoSchedule" }]
        }
      }
    }
  })
}
