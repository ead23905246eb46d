output "kubeconfig" {
  description = "The command that makes kubectl speak to the cluster."
  value       = "aws eks update-kubeconfig --region ${var.region} --name ${aws_eks_cluster.this.name}"
}

output "values" {
  description = "For the chart: terraform output -raw values > values.yaml, beside values/eks.yaml."
  value = yamlencode({
    runs = {
      namespace = var.runs_namespace
      serviceAccount = {
        name        = var.runs_service_account
        annotations = { "eks.amazonaws.com/role-arn" = aws_iam_role.workload["runs"].arn }
      }
    }
    store = { url = "s3://${aws_s3_bucket.runs.id}/vtspec", region = var.region }
    queues = {
      engine = "kueue"
      flavors = {
        for name, pool in var.gpu_pools : name => {
          resource    = "nvidia.com/gpu"
          nodeLabels  = { "node.kubernetes.io/instance-type" = pool.instance_type }
          tolerations = [{ key = "nvidia.com/gpu", operator = "Exists", effect = "NoSchedule" }]
        }
      }
    }
  })
}

output "cache_file_system" {
  description = "For the storage class of the cache (efs.csi.aws.com, fileSystemId)."
  value       = aws_efs_file_system.cache.id
}
