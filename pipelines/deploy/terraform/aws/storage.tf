resource "aws_s3_bucket" "runs" {
  bucket = var.bucket
}

resource "aws_s3_bucket_public_access_block" "runs" {
  bucket                  = aws_s3_bucket.runs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "runs" {
  bucket = aws_s3_bucket.runs.id

  versioning_configuration {
    status = "Enabled"
  }
}

# What `vtspec rm` removed can be had back for a month; events, written anew every few seconds,
# would otherwise be kept for ever.
resource "aws_s3_bucket_lifecycle_configuration" "runs" {
  bucket = aws_s3_bucket.runs.id

  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.runs]
}

# The cache, which pods of several nodes mount.
resource "aws_efs_file_system" "cache" {
  encrypted       = true
  throughput_mode = "elastic"
  tags            = { Name = "${var.name}-cache" }
}

resource "aws_security_group" "cache" {
  name_prefix = "${var.name}-cache-"
  vpc_id      = aws_vpc.this.id

  ingress {
    description = "NFS from the nodes"
    protocol    = "tcp"
    from_port   = 2049
    to_port     = 2049
    cidr_blocks = [aws_vpc.this.cidr_block]
  }
}

resource "aws_efs_mount_target" "cache" {
  for_each        = aws_subnet.private
  file_system_id  = aws_efs_file_system.cache.id
  subnet_id       = each.value.id
  security_groups = [aws_security_group.cache.id]
}
