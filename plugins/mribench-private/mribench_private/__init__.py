"""What privacy costs: differential privacy of patients, and federated averaging over sites."""
