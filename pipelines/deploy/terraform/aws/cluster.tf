data "aws_iam_policy_document" "assume" {
  for_each = toset(["eks", "ec2"])

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "cluster" {
  name               = "${var.name}-cluster"
  assume_role_policy = data.aws_iam_policy_document.assume["eks"].json
}

resource "aws_iam_role_policy_attachment" "cluster" {
  role       = aws_iam_role.cluster.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
}

resource "aws_eks_cluster" "this" {
  name     = var.name
  version  = var.kubernetes_version
  role_arn = aws_iam_role.cluster.arn

  vpc_config {
    subnet_ids              = [for subnet in aws_subnet.private : subnet.id]
    endpoint_private_access = true
    public_access_cidrs     = var.public_access_cidrs
  }

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = true
  }

  depends_on = [aws_iam_role_policy_attachment.cluster]
}

resource "aws_iam_role" "node" {
  name               = "${var.name}-node"
  assume_role_policy = data.aws_iam_policy_document.assume["ec2"].json
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset([
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryReadOnly",
  ])
  role       = aws_iam_role.node.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

# Argo, Kueue, MLflow, and the steps that need no GPU.
resource "aws_eks_node_group" "general" {
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "general"
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = [for subnet in aws_subnet.private : subnet.id]
  instance_types  = ["m7i.xlarge"]

  scaling_config {
    min_size     = 1
    desired_size = 2
    max_size     = 6
  }

  depends_on = [aws_iam_role_policy_attachment.node]

  lifecycle {
    # The autoscaler's to say.
    ignore_changes = [scaling_config[0].desired_size]
  }
}

resource "aws_eks_node_group" "gpu" {
  for_each        = var.gpu_pools
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = each.key
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = [for subnet in aws_subnet.private : subnet.id]
  ami_type        = "AL2023_x86_64_NVIDIA"
  instance_types  = [each.value.instance_type]
  disk_size       = each.value.disk_gib

  scaling_config {
    min_size     = 0
    desired_size = 0
    max_size     = each.value.most
  }

  taint {
    key    = "nvidia.com/gpu"
    value  = "present"
    effect = "NO_SCHEDULE"
  }

  depends_on = [aws_iam_role_policy_attachment.node]

  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }
}

# What the autoscaler knows of a pool that has no node yet.
resource "aws_autoscaling_group_tag" "gpu" {
  for_each = merge([
    for pool, settings in var.gpu_pools : {
      "${pool}/gpu"  = { pool = pool, key = "resources/nvidia.com/gpu", value = "1" }
      "${pool}/type" = { pool = pool, key = "label/node.kubernetes.io/instance-type", value = settings.instance_type }
      "${pool}/off"  = { pool = pool, key = "taint/nvidia.com/gpu", value = "present:NoSchedule" }
    }
  ]...)
  autoscaling_group_name = aws_eks_node_group.gpu[each.value.pool].resources[0].autoscaling_groups[0].name

  tag {
    key                 = "k8s.io/cluster-autoscaler/node-template/${each.value.key}"
    value               = each.value.value
    propagate_at_launch = false
  }
}

resource "aws_eks_addon" "this" {
  for_each     = toset(["vpc-cni", "kube-proxy", "coredns"])
  cluster_name = aws_eks_cluster.this.name
  addon_name   = each.key
  # The network policies of the chart are enforced by it.
  configuration_values = each.key == "vpc-cni" ? jsonencode({ enableNetworkPolicy = "true" }) : null
  depends_on           = [aws_eks_node_group.general]
}

resource "aws_eks_addon" "storage" {
  for_each                 = local.drivers
  cluster_name             = aws_eks_cluster.this.name
  addon_name               = "aws-${each.key}-csi-driver"
  service_account_role_arn = aws_iam_role.workload[each.key].arn
  depends_on               = [aws_eks_node_group.general]
}
