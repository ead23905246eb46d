variable "project" {
  description = "Id of the project; its APIs container, file, storage and artifactregistry are on."
  type        = string
}

variable "region" {
  description = "Where everything is, the bucket of runs too."
  type        = string
}

variable "zones" {
  description = "Zones of the region that have the GPUs."
  type        = list(string)
}

variable "name" {
  description = "Name of the cluster, and beginning of every other name."
  type        = string
  default     = "vtspec"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.name))
    error_message = "Lower-case letters, digits and dashes, 21 at most."
  }
}

variable "bucket" {
  description = "Name of the bucket of runs; the whole world shares these names."
  type        = string
}

variable "gpu_pools" {
  description = "Pools of GPU nodes by name; each grows from zero to `most` nodes in a zone."
  type = map(object({
    machine_type = string
    accelerator  = string
    most         = number
    disk_gib     = optional(number, 200)
  }))
  default = {
    t4 = { machine_type = "n1-standard-4", accelerator = "nvidia-tesla-t4", most = 4 }
  }
}

variable "authorized_networks" {
  description = "From where the API server is reached."
  type        = list(string)
}
