resource "google_compute_network" "this" {
  name                    = var.name
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "this" {
  name                     = var.name
  region                   = var.region
  network                  = google_compute_network.this.id
  ip_cidr_range            = "10.40.0.0/20"
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = "10.44.0.0/14"
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = "10.41.0.0/20"
  }
}

resource "google_compute_router" "this" {
  name    = var.name
  region  = var.region
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  name                               = var.name
  region                             = var.region
  router                             = google_compute_router.this.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

resource "google_service_account" "node" {
  account_id   = "${var.name}-node"
  display_name = "Nodes of ${var.name}"
}

resource "google_project_iam_member" "node" {
  for_each = toset(["roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"])
  project  = var.project
  role     = each.key
  member   = google_service_account.node.member
}

resource "google_container_cluster" "this" {
  name           = var.name
  location       = var.region
  node_locations = var.zones
  network        = google_compute_network.this.id
  subnetwork     = google_compute_subnetwork.this.id
  # The network policies of the chart are enforced by it.
  datapath_provider        = "ADVANCED_DATAPATH"
  remove_default_node_pool = true
  initial_node_count       = 1
  deletion_protection      = true

  release_channel {
    channel = "REGULAR"
  }

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  private_cluster_config {
    enable_private_nodes = true
  }

  master_authorized_networks_config {
    dynamic "cidr_blocks" {
      for_each = var.authorized_networks
      content {
        cidr_block = cidr_blocks.value
      }
    }
  }

  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }

  addons_config {
    # The cache is on Filestore.
    gcp_filestore_csi_driver_config {
      enabled = true
    }
  }
}

# Argo, Kueue, MLflow, and the steps that need no GPU.
resource "google_container_node_pool" "general" {
  name     = "general"
  cluster  = google_container_cluster.this.id
  location = var.region

  autoscaling {
    total_min_node_count = 1
    total_max_node_count = 6
  }

  node_config {
    machine_type    = "e2-standard-4"
    service_account = google_service_account.node.email
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }
}

resource "google_container_node_pool" "gpu" {
  for_each           = var.gpu_pools
  name               = each.key
  cluster            = google_container_cluster.this.id
  location           = var.region
  initial_node_count = 0

  autoscaling {
    min_node_count = 0
    max_node_count = each.value.most
  }

  node_config {
    machine_type    = each.value.machine_type
    disk_size_gb    = each.value.disk_gib
    service_account = google_service_account.node.email
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]

    # GKE itself taints nodes with GPUs, and labels them.
    guest_accelerator {
      type  = each.value.accelerator
      count = 1

      gpu_driver_installation_config {
        gpu_driver_version = "DEFAULT"
      }
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }
}

resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
}

resource "google_storage_bucket" "runs" {
  name                        = var.bucket
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # What `vtspec rm` removed can be had back for a month.
  soft_delete_policy {
    retention_duration_seconds = 2592000
  }
}

# The bucket is spoken to by its S3 interface, for which Google has keys alone and no identity.
resource "google_service_account" "runs" {
  account_id   = "${var.name}-runs"
  display_name = "Runs of ${var.name}"
}

resource "google_storage_bucket_iam_member" "runs" {
  bucket = google_storage_bucket.runs.name
  role   = "roles/storage.objectUser"
  member = google_service_account.runs.member
}

resource "google_storage_hmac_key" "runs" {
  service_account_email = google_service_account.runs.email
}
