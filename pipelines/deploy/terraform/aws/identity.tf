# Roles that pods take by their service account: no key is written anywhere.
resource "aws_iam_openid_connect_provider" "this" {
  url            = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  issuer = trimprefix(aws_eks_cluster.this.identity[0].oidc[0].issuer, "https://")
  # Each driver's service account, and the policy that Amazon has for it.
  drivers = {
    ebs = { account = "ebs-csi-controller-sa", policy = "AmazonEBSCSIDriverPolicy" }
    efs = { account = "efs-csi-controller-sa", policy = "AmazonEFSCSIDriverPolicy" }
  }
  accounts = merge(
    { for name, driver in local.drivers : name => "kube-system:${driver.account}" },
    { runs = "${var.runs_namespace}:${var.runs_service_account}" },
  )
}

data "aws_iam_policy_document" "workload" {
  for_each = local.accounts

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.this.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["system:serviceaccount:${each.value}"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "workload" {
  for_each           = local.accounts
  name               = "${var.name}-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.workload[each.key].json
}

resource "aws_iam_role_policy_attachment" "driver" {
  for_each   = local.drivers
  role       = aws_iam_role.workload[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/${each.value.policy}"
}

data "aws_iam_policy_document" "runs" {
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.runs.arn]
  }

  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${aws_s3_bucket.runs.arn}/*"]
  }
}

resource "aws_iam_role_policy" "runs" {
  name   = "bucket-of-runs"
  role   = aws_iam_role.workload["runs"].id
  policy = data.aws_iam_policy_document.runs.json
}
