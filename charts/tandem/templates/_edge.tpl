{{/* nginx's configuration around the routes: the file of `make demo`, with the addresses of the Services filled in. */}}
{{- define "tandem.edgeConfig" -}}
{{- .Files.Get "files/nginx.conf"
      | replace "${EDGE_LISTEN}" "8080"
      | replace "${API_ADDRESS}" (printf "%s:80" (include "tandem.httpService" .))
      | replace "${REALTIME_ADDRESS}" (printf "%s:80" (include "tandem.wsService" .))
      | replace "worker_processes auto;" "worker_processes 2; # not one for each core of the node: each takes 15 MB" }}
{{- end }}
