{{/* nginx's configuration around the routes: the file of `make demo`, with the addresses of the Services filled in. */}}
{{- define "tandem.edgeConfig" -}}
{{- .Files.Get "files/nginx.conf"
      | replace "${EDGE_LISTEN}" "8080"
      | replace "worker_shutdown_timeout 60s;" (printf "worker_shutdown_timeout %ds;" (int .Values.edge.drainSeconds))
      | replace "${API_ADDRESS}" (printf "%s:80" (include "tandem.httpService" .))
      | replace "${REALTIME_ADDRESS}" (printf "%s:80" (include "tandem.wsService" .))
      | replace "worker_processes auto;" "worker_processes 2; # not one for each core of the node: each takes 15 MB" }}
{{- end }}

{{/* Who ends TLS in front of nginx, if anybody does. */}}
{{- define "tandem.edgeProxied" -}}
{{- range .Values.edge.trustedProxies }}
set_real_ip_from {{ . }};
{{- end }}
{{- with .Values.edge.trustedProxies }}
real_ip_header X-Forwarded-For;
real_ip_recursive on;
{{- end }}
{{- end }}

{{/* The pod of the edge. It stops by SIGQUIT, after which nginx takes nobody new and keeps who is there. */}}
{{- define "tandem.edgeSpec" -}}
{{ include "tandem.pod" (list . 10001) }}
{{ include "tandem.spread" (list . "edge") }}
terminationGracePeriodSeconds: {{ add .Values.edge.drainSeconds 15 }}
containers:
  - name: nginx
    image: {{ .Values.edge.image }}
    {{- include "tandem.container" . | nindent 4 }}
    command: [sh, -c, "mkdir -p /tmp/temp && exec nginx -p /tmp -c /etc/tandem/nginx.conf -g 'daemon off;'"]
    ports:
      - {name: http, containerPort: 8080, protocol: TCP}
    lifecycle:
      preStop:
        # The hook lasts as long as nginx does: what the kubelet sends after it would end the sockets at once.
        exec:
          command: [sh, -c, "sleep 5; kill -QUIT 1; sleep {{ add .Values.edge.drainSeconds 8 }}"]
    # The port only: a pod that cannot reach the api must still pass sockets on.
    livenessProbe:
      tcpSocket: {port: http}
    readinessProbe:
      tcpSocket: {port: http}
      periodSeconds: 5
    resources:
      {{- toYaml .Values.edge.resources | nindent 6 }}
    volumeMounts:
      - name: config
        mountPath: /etc/tandem
        readOnly: true
      - name: tmp
        mountPath: /tmp
volumes:
  - name: config
    configMap:
      name: {{ include "tandem.fullname" . }}-edge
  - name: tmp
    emptyDir: {}
{{- end }}
