# A recipe longer than five lines is a script in .ci/ or a module of a service.
PYTHON ?= python3
VENV := .venv/bin
ENVIRONMENT := PYTHON="$(PYTHON)" .ci/environment

.DEFAULT_GOAL := help
.PHONY: help
help: ## Print this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z][a-z-]*:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Try it
.PHONY: demo monitor press screenshot panels
demo: ## Run everything on this machine at http://localhost:9000/ (DEMO_PORT, DEMO_HOST); Ctrl-C stops it
	@$(ENVIRONMENT) services/demo/requirements.txt
	@exec $(VENV)/python -m demo

monitor: ## Scrape the running demo with Prometheus, alerts included, at http://localhost:9090
	@exec $(VENV)/python -m demo.monitor

press: ## Measure press to pixel on the running demo: POST sent to frame received, through the edge
	@$(VENV)/python -m rig.press

screenshot: .venv/tests ## Take the README's moving picture of the running demo with Chromium
	@$(VENV)/python -m rig.screenshot

panels: .venv/tests ## Record a busy run (three minutes) and draw the dashboard's panels from it, for the README
	@$(VENV)/python -m rig.panels

##@ Check it
.PHONY: packages sdks test suites matrix redis-versions soak siege fuzz-api compose-test conformance lint types links format
test: packages .venv/tests sdks ## Run every test, over real servers; as root it installs those that are missing, else their tests are left out
	@.ci/test

matrix: packages .venv/tests ## Run somebody's project on every supported pair of Python and Django that is here (MATRIX="3.13 ~=6.0")
	@.ci/matrix $(MATRIX)

redis-versions: packages .venv/tests ## Run what is about Redis on each version of Redis and Valkey that can be had (REDIS_VERSIONS="6.2 9.1")
	@.ci/redis-versions $(REDIS_VERSIONS)

suites: .venv/tests sdks ## Run the test suites that come with the Go and the Python SDK against Tandem (at port 8000)
	@cd services/tests && ../../$(VENV)/python -m rig.suites $(SUITES)

soak: packages .venv/tests sdks ## Run the long proofs that make test has in a short form
	@LANES=1 PYTEST_OPTIONS="-m slow" .ci/test services/tandem services/api services/realtime services/loadgen charts/tests services/tests

siege: packages .venv/tests ## Attack one realtime in every way while 1,000 honest clients listen: PASS or FAIL for each (SIEGE="--edge pings")
	@cd services/tests && ../../$(VENV)/python -m rig.adversary.siege $(SIEGE)

fuzz-api: .venv/tests ## Have schemathesis ask every operation of both OpenAPI pages, through the edge (FUZZ="--max-examples 200")
	@cd services/tests && ../../$(VENV)/python -m rig.fuzz_api $(FUZZ)

compose-test: packages .venv/tests ## Bring services/compose.yaml up with podman, press, move containers, take it down (root)
	@.ci/packages .ci/packages-compose.txt
	@$(VENV)/python -m pytest -m slow charts/tests/test_compose.py

conformance: ## Run Autobahn's test suite of WebSocket conformance (needs a Python 2.7)
	@cd services/realtime && ../../$(VENV)/python -m tests.conformance

lint: .venv/tests ## Check style, shell scripts and lock files
	@.ci/lint

types: .venv/tests ## Check types (strict)
	@.ci/types

links: ## Ask for every page outside of the repository that a Markdown file links to (needs the network)
	@.ci/links

format: .venv/tests ## Rewrite the Python files the way lint wants them
	@$(VENV)/ruff check --fix-only --quiet services charts .ci
	@$(VENV)/ruff format services charts .ci

##@ Measure it
.PHONY: load bench compare limits profile
load: .venv/tests ## Put load on the running demo or any server of the protocol (LOAD="fanout --clients 1000", LOAD=--help)
	@services/loadgen/against-demo $(LOAD)

bench: .venv/tests ## Compare with stock Channels, node's servers and a raw send loop, side by side (BENCH="--runs 1 --only fanout", CENTRIFUGO=its program)
	@$(VENV)/python -m loadgen.bench $(BENCH)

compare: .venv/tests ## Watch one counter over WSGI alone, ASGI alone and both, and print what each costs (COMPARE="--clients 500")
	@$(VENV)/python -m rig.compare $(COMPARE)

limits: .venv/tests ## Drain, slow reader, storm, logout, latency, memory: each figure with PASS or FAIL (LIMITS="drain storm")
	@$(VENV)/python -m loadgen.bench.checks $(LIMITS)

profile: .venv/tests ## Show where the realtime service's processor time goes (PROFILE="--clients 1000")
	@$(VENV)/python -m loadgen.bench.profile $(PROFILE)

##@ Kubernetes
DOCKER ?= docker
NAMESPACE ?= tandem
.PHONY: chart chart-docs manifests dashboards generated images cluster install forward cluster-test cluster-check team-image cluster-report cluster-logs release wheels publish
chart: .venv/tests ## Check the chart: rendered for every case and version, policies, routes, images (root, buildah, podman)
	@.ci/test charts/tests

chart-docs: .venv/tests ## Write the chart's README.md and values.schema.json from values.yaml
	@PYTHONPATH=charts $(VENV)/python -m tools.docs

manifests: .venv/tests ## Write k8s/manifests from the chart
	@PYTHONPATH=charts $(VENV)/python -m tools.manifests

dashboards: .venv/tests ## Write the chart's dashboard from charts/dashboards
	@$(VENV)/python -m charts.dashboards

generated: chart-docs manifests dashboards ## Fail if a generated file is not what its generator writes
	@git diff --exit-code -- charts k8s && test -z "$$(git ls-files --others --exclude-standard -- charts k8s)"

images: ## Build the images tandem-api:dev and tandem-realtime:dev (DOCKER=podman, BUILD="--build-arg BASE_IMAGE=...")
	@for service in api realtime; do \
		$(DOCKER) build $(BUILD) --file services/$$service/Dockerfile --tag tandem-$$service:dev services || exit; done

cluster: ## Make a kind cluster on this machine (needs docker and kind)
	@kind get clusters | grep -qx tandem || kind create cluster --config k8s/kind.yaml --wait 2m

install: ## Load the images into the kind cluster and install the chart (NAMESPACE, HELM="--set ...")
	@k8s/install.sh "$(NAMESPACE)" $(HELM)

forward: ## Show the pages of the cluster at http://localhost:9000/
	@kubectl --namespace "$(NAMESPACE)" port-forward service/tandem-edge 9000:80

cluster-test: ## Try on the cluster what only a cluster can show, PASS or FAIL each; it ends with an uninstall (HELM)
	@HELM='$(HELM)' k8s/cluster-test.sh "$(NAMESPACE)"

cluster-check: ## Try some checks, or those beyond cluster-test, see k8s/README.md (CHECKS="guards broken hpa", HELM)
	@HELM='$(HELM)' k8s/cluster-test.sh "$(NAMESPACE)" $(CHECKS)

team-image: .venv/tests ## Build the image tandem-team:dev of a fresh project, for CHECKS=team (DOCKER, BUILD)
	@DOCKER="$(DOCKER)" k8s/team-image.sh $(BUILD)

cluster-report: ## Say what is wrong with the objects of the namespace, the cause first; then all events and logs
	@k8s/cluster-report.sh "$(NAMESPACE)"

cluster-logs: ## Follow the logs of all pods of the release
	@kubectl --namespace "$(NAMESPACE)" logs --selector app.kubernetes.io/instance=tandem --all-containers --prefix \
		--max-log-requests 50 --follow

release: ## Publish images and chart, signed (VERSION=v1.2.3 REGISTRY=ghcr.io/owner)
	@k8s/release.sh

wheels: .venv/tests ## Build the wheels and source archives that go to PyPI, into dist/
	@rm -rf dist
	@for project in tandem realtime; do $(VENV)/python -m build --no-isolation --outdir dist services/$$project || exit; done

publish: ## Publish what is in dist/ to PyPI: only the release workflow may
	@$(VENV)/uv publish --trusted-publishing always dist/*

##@ Maintain it
.PHONY: requirements
requirements: .venv/tests ## Pin requirements from the pyproject.toml files (UPGRADE=1: take newer versions)
	@.ci/requirements

packages:
	@PYTHON="$(PYTHON)" .ci/packages

# Installed when the pins changed; the script knows.
.PHONY: .venv/tests
.venv/tests:
	@$(ENVIRONMENT) services/tests/requirements.txt

sdks: .venv/tests
	@.ci/sdks
