{{/* Environment variables of our processes. What comes from a Secret stands first, because later ones refer to it. */}}

{{/*
include "tandem.env" (dict "secret" (list (list NAME SECRET KEY) ...) "plain" (dict NAME VALUE ...) "user" .Values.x.env)
The user's win over ours. No name comes twice: server-side apply refuses that.
*/}}
{{- define "tandem.env" -}}
{{- $user := .user -}}
{{- range .secret }}
{{- if not (hasKey $user (index . 0)) }}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- end }}
{{- end }}
{{- range $name, $value := .plain }}
{{- if not (hasKey $user $name) }}
{{ include "tandem.envVariable" (list $name $value) }}
{{- end }}
{{- end }}
{{- range $name, $value := $user }}
{{ include "tandem.envVariable" (list $name $value) }}
{{- end }}
{{- end }}

{{- define "tandem.envVariable" -}}
{{- $value := index . 1 -}}
- name: {{ index . 0 | toYaml }}{{/* quoted where it must be: ON is a truth value */}}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else if and (kindIs "float64" $value) (eq $value (floor $value)) }}
  value: {{ $value | int64 | quote }}
  {{- else }}
  value: {{ $value | toString | quote }}
  {{- end }}
{{- end }}

{{/* What both services read: Redis, namespaces, token keys. As YAML {secret: ..., plain: ...} */}}
{{- define "tandem.sharedEnv" -}}
{{- $name := include "tandem.fullname" . -}}
{{- $secret := list (list "TANDEM_TOKEN_KEYS" (include "tandem.secret" .) .Values.secrets.keys.tokenKeys) -}}
{{- $plain := dict "TANDEM_LOG_LEVEL" .Values.logLevel "PROMETHEUS_DISABLE_CREATED_SERIES" "True" -}}
{{- if .Values.redis.enabled -}}
  {{- $secret = prepend $secret (list "REDIS_PASSWORD" (include "tandem.secret" .) .Values.secrets.keys.redisPassword) -}}
  {{- $urls := list -}}
  {{- range until (int .Values.redis.shards) -}}
    {{- $urls = append $urls (printf "redis://tandem:$(REDIS_PASSWORD)@%s-redis-%d.%s-redis:6379/0" $name . $name) -}}
  {{- end -}}
  {{- $_ := set $plain "TANDEM_REDIS_URLS" (join "," $urls) -}}
{{- else if .Values.redis.external.urls -}}
  {{- with .Values.redis.external.passwordSecret }}{{ $secret = prepend $secret (list "REDIS_PASSWORD" . $.Values.redis.external.passwordKey) }}{{ end -}}
  {{- $_ := set $plain "TANDEM_REDIS_URLS" (join "," .Values.redis.external.urls) -}}
{{- else -}}
  {{- $secret = prepend $secret (list "TANDEM_REDIS_URLS" .Values.redis.external.existingSecret .Values.redis.external.key) -}}
{{- end -}}
{{- with .Values.redis.prefix }}{{ $_ := set $plain "TANDEM_REDIS_PREFIX" . }}{{ end -}}
{{- with .Values.channelNamespaces }}{{ $_ := set $plain "TANDEM_NAMESPACES" (toJson .) }}{{ end -}}
{{- with .Values.allowedOrigins }}{{ $_ := set $plain "TANDEM_ALLOWED_ORIGINS" (join "," .) }}{{ end -}}
{{- dict "secret" $secret "plain" $plain | toYaml -}}
{{- end }}

{{/* What only the api's code reads: Django, SQL, the server API's keys. */}}
{{- define "tandem.apiOwnEnv" -}}
{{- $secret := list
      (list "DJANGO_SECRET_KEY" (include "tandem.secret" .) .Values.secrets.keys.djangoSecretKey)
      (list "TANDEM_API_KEYS" (include "tandem.secret" .) .Values.secrets.keys.apiKeys) -}}
{{- $plain := dict
      "DJANGO_ALLOWED_HOSTS" (include "tandem.allowedHosts" .)
      "TANDEM_REALTIME_ENABLED" (ternary "1" "0" .Values.realtime.enabled)
      "PORT" .Values.api.port
      "TANDEM_WEB_PORT" .Values.api.port
      "TANDEM_METRICS_PORT" .Values.api.metricsPort
      "WEB_CONCURRENCY" .Values.api.gunicornWorkers -}}
{{- with include "tandem.trustedOrigins" . }}{{ $_ := set $plain "CSRF_TRUSTED_ORIGINS" . }}{{ end -}}
{{- if .Values.postgresql.enabled -}}
  {{- $secret = prepend $secret (list "POSTGRES_PASSWORD" (include "tandem.secret" .) .Values.secrets.keys.postgresqlPassword) -}}
  {{- $_ := set $plain "DATABASE_URL" (printf "postgresql://tandem:$(POSTGRES_PASSWORD)@%s-postgresql:5432/tandem" (include "tandem.fullname" .)) -}}
{{- else if .Values.sqlite.enabled -}}
  {{- $_ := set $plain "DATABASE_URL" "sqlite:////data/tandem.sqlite3" -}}
{{- else if .Values.postgresql.external.url -}}
  {{- with .Values.postgresql.external.passwordSecret }}{{ $secret = prepend $secret (list "POSTGRES_PASSWORD" . $.Values.postgresql.external.passwordKey) }}{{ end -}}
  {{- $_ := set $plain "DATABASE_URL" .Values.postgresql.external.url -}}
{{- else -}}
  {{- $secret = prepend $secret (list "DATABASE_URL" .Values.postgresql.external.existingSecret .Values.postgresql.external.key) -}}
{{- end -}}
{{- if include "tandem.postgresqlCA" . -}}
  {{- /* Read by libpq, whatever the settings say of the database */ -}}
  {{- $plain = merge $plain (dict "PGSSLMODE" "verify-full" "PGSSLROOTCERT" "/etc/tandem/postgresql-ca/ca.crt") -}}
{{- end -}}
{{- if include "tandem.postgresqlClient" . -}}
  {{- $plain = merge $plain (dict "PGSSLCERT" "/etc/tandem/postgresql-client/tls.crt" "PGSSLKEY" "/etc/tandem/postgresql-client/tls.key") -}}
{{- end -}}
{{- dict "secret" $secret "plain" $plain | toYaml -}}
{{- end }}

{{/* The whole environment of the api's image: include "tandem.apiEnv" (list $ $more), $more being one worker's own */}}
{{- define "tandem.apiEnv" -}}
{{- $ := index . 0 -}}
{{- $shared := include "tandem.sharedEnv" $ | fromYaml -}}
{{- $own := include "tandem.apiOwnEnv" $ | fromYaml -}}
{{- include "tandem.env" (dict
      "secret" (concat $shared.secret $own.secret)
      "plain" (merge $own.plain $shared.plain)
      "user" (merge (dict) (index . 1) $.Values.api.env)) | trim -}}
{{- end }}

{{/* What it takes to publish and to sign tokens, and no more: load, and the test. */}}
{{- define "tandem.busEnv" -}}
{{- $shared := include "tandem.sharedEnv" . | fromYaml -}}
{{- include "tandem.env" (dict "secret" $shared.secret "plain" $shared.plain "user" dict) | trim -}}
{{- end }}

{{/* Whether the sockets run with the application's settings and may reach SQL. */}}
{{- define "tandem.realtimeIsProject" -}}
{{- if or (eq .Values.mode "asgi") .Values.realtime.project }}yes{{ end -}}
{{- end }}

{{/* The whole environment of realtime; with `mode: asgi` it answers for the api too, with `realtime.project` it has its settings. */}}
{{- define "tandem.realtimeEnv" -}}
{{- $shared := include "tandem.sharedEnv" . | fromYaml -}}
{{- $secret := $shared.secret -}}
{{- $plain := merge (dict
      "TANDEM_DRAIN_SECONDS" .Values.realtime.drainSeconds
      "TANDEM_MAX_CONNECTIONS" .Values.realtime.maxConnections
      "TANDEM_MAX_CONNECTIONS_PER_USER" .Values.realtime.maxConnectionsPerUser
      "TANDEM_HANDSHAKES_PER_SECOND" .Values.realtime.handshakesPerSecond
      "TANDEM_MAX_AGE_SECONDS" .Values.realtime.maxAgeSeconds) $shared.plain -}}
{{- $user := .Values.realtime.env -}}
{{- with .Values.realtime.urlpatterns }}{{ $_ := set $plain "TANDEM_URLPATTERNS" . }}{{ end -}}
{{- with .Values.realtime.trustedProxies }}{{ $_ := set $plain "TANDEM_TRUSTED_PROXIES" (join "," .) }}{{ end -}}
{{- if ne (toString .Values.realtime.maxConnectionsPerAddress) "" }}{{ $_ := set $plain "TANDEM_MAX_CONNECTIONS_PER_ADDRESS" .Values.realtime.maxConnectionsPerAddress }}{{ end -}}
{{- if ne (toString .Values.realtime.handshakesPerSecondPerAddress) "" }}{{ $_ := set $plain "TANDEM_HANDSHAKES_PER_SECOND_PER_ADDRESS" .Values.realtime.handshakesPerSecondPerAddress }}{{ end -}}
{{- if eq .Values.mode "asgi" }}{{ $_ := set $plain "TANDEM_HTTP_APP" .Values.realtime.httpApp }}{{ end -}}
{{- if include "tandem.realtimeIsProject" . -}}
  {{- $own := include "tandem.apiOwnEnv" . | fromYaml -}}
  {{- $secret = concat $secret $own.secret -}}
  {{- $plain = merge (omit $own.plain "PORT" "TANDEM_WEB_PORT" "TANDEM_METRICS_PORT" "WEB_CONCURRENCY") $plain -}}
  {{- $user = merge (dict) (deepCopy $user) .Values.api.env -}}
{{- end -}}
{{- include "tandem.env" (dict "secret" $secret "plain" $plain "user" $user) | trim -}}
{{- end }}

{{/* localhost: the port-forward. The Services' names: helm test, load, other pods. */}}
{{- define "tandem.allowedHosts" -}}
{{- $name := include "tandem.fullname" . -}}
{{- $hosts := list "localhost" "127.0.0.1" "[::1]" (printf "%s-api" $name) (printf "%s-realtime" $name) (printf "%s-edge" $name) -}}
{{- if .Values.ingress.enabled }}{{ $hosts = append $hosts .Values.ingress.host }}{{ end -}}
{{- if .Values.gateway.enabled -}}
{{- range .Values.gateway.hostnames }}{{ $hosts = append $hosts (trimPrefix "*" .) }}{{ end -}}
{{- end -}}
{{- concat $hosts .Values.api.allowedHosts | compact | uniq | join "," -}}
{{- end }}

{{- define "tandem.trustedOrigins" -}}
{{- $origins := list -}}
{{- if and .Values.ingress.enabled .Values.ingress.host }}{{ $origins = append $origins (printf "https://%s" .Values.ingress.host) }}{{ end -}}
{{- if .Values.gateway.enabled -}}
{{- range .Values.gateway.hostnames }}{{ $origins = append $origins (printf "https://%s" .) }}{{ end -}}
{{- end -}}
{{- concat $origins .Values.api.csrfTrustedOrigins | uniq | join "," -}}
{{- end }}
