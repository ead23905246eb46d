variable "name" {
  description = "Name of the cluster, and beginning of every other name."
  type        = string
  default     = "vtspec"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Lower-case letters, digits and dashes, 31 at most."
  }
}

variable "region" {
  description = "Where everything is, the bucket of runs too."
  type        = string
}

variable "kubernetes_version" {
  description = "1.30 or later: the chart's policy needs it."
  type        = string
  default     = "1.34"
}

variable "bucket" {
  description = "Name of the bucket of runs; the whole world shares these names."
  type        = string
}

variable "gpu_pools" {
  description = "Pools of GPU nodes by name; each grows from zero to `most` nodes."
  type = map(object({
    instance_type = string
    most          = number
    disk_gib      = optional(number, 200)
  }))
  default = {
    t4 = { instance_type = "g4dn.xlarge", most = 4 }
  }
}

variable "runs_namespace" {
  description = "`runs.namespace` of the chart."
  type        = string
  default     = "vision"
}

variable "runs_service_account" {
  description = "`runs.serviceAccount.name` of the chart."
  type        = string
  default     = "vtspec-run"
}

variable "public_access_cidrs" {
  description = "From where the API server is reached."
  type        = list(string)
}
