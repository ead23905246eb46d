# Never applied by those who wrote it: formatted and read against the provider's schema alone.
terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { "app.kubernetes.io/part-of" = var.name }
  }
}
